import type { ScanAnswer } from '@holdfast/api/types';
import { Anchor, Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { driftQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';

const words = messages.overview;
const SHOWN = 5;

export function LastScans() {
  const { data, error, refetch } = useQuery(driftQuery);
  return (
    <Panel
      title={words.scans}
      aside={
        <Anchor component={Link} to="/drift" size="sm">
          {messages.leadsTo(messages.pages.drift)}
        </Anchor>
      }
    >
      {data === undefined ? (
        error === null ? (
          <Skeleton height={120} />
        ) : (
          <Failure error={error} what={words.scans} onRetry={() => void refetch()} />
        )
      ) : data.scans.length === 0 ? (
        <Empty title={words.noScans} />
      ) : (
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{words.scan}</Table.Th>
              <Table.Th scope="col">{words.began}</Table.Th>
              <Table.Th scope="col">{words.took}</Table.Th>
              <Table.Th scope="col">{words.found}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.scans.slice(0, SHOWN).map((scan) => (
              <Table.Tr key={scan.id}>
                <Table.Td>{words.scanKinds[scan.kind]}</Table.Td>
                <Table.Td>
                  <Time at={scan.startedAt} ago />
                </Table.Td>
                <Table.Td>{scan.durationMs === null ? '–' : formatDuration(scan.durationMs)}</Table.Td>
                <Table.Td>
                  <Found scan={scan} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}

function Found({ scan: { state, isClean, findingCount, error } }: { scan: ScanAnswer }) {
  if (state === 'running') return words.scanRunning;
  if (state === 'aborted') {
    return (
      <Text c="red" size="sm" dir="auto" title={error?.message}>
        {words.scanAborted}
      </Text>
    );
  }
  if (isClean === true) return words.scanClean;
  return (
    <Text c="red" size="sm">
      {words.scanFound(findingCount ?? 0)}
    </Text>
  );
}
