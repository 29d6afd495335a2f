import type { ScanAnswer } from '@holdfast/api/types';
import { Anchor, Stack, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '../../app/empty.tsx';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Time } from '../../app/time.tsx';
import { OUTCOMES } from './findings.ts';
import { Legend, OutcomeBar } from './outcome-bar.tsx';

const words = messages.drift;

export function ScanList({ scans, shown }: { scans: readonly ScanAnswer[]; shown: string | null }) {
  return (
    <Panel title={words.lastScans}>
      {scans.length === 0 ? (
        <Empty title={messages.overview.noScans} />
      ) : (
        <Stack gap="sm">
          <Table.ScrollContainer minWidth={560}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{messages.overview.scan}</Table.Th>
                  <Table.Th scope="col">{messages.overview.node}</Table.Th>
                  <Table.Th scope="col">{messages.overview.took}</Table.Th>
                  <Table.Th scope="col" w="45%">
                    {messages.overview.found}
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {scans.map((scan) => (
                  <Table.Tr key={scan.id} aria-current={scan.id === shown ? 'true' : undefined}>
                    <Table.Td>
                      <Anchor
                        renderRoot={(props) => <Link {...props} to="/drift" search={{ scan: scan.id }} />}
                        fw={scan.id === shown ? 700 : undefined}
                      >
                        {messages.overview.scanKinds[scan.kind]}
                      </Anchor>{' '}
                      <Time at={scan.startedAt} ago />
                    </Table.Td>
                    <Table.Td>
                      <bdi>{scan.node}</bdi>
                    </Table.Td>
                    <Table.Td>{scan.durationMs === null ? '–' : formatDuration(scan.durationMs)}</Table.Td>
                    <Table.Td>
                      <Found scan={scan} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          <Legend outcomes={OUTCOMES} />
        </Stack>
      )}
    </Panel>
  );
}

function Found({ scan: { state, counts, isClean, error } }: { scan: ScanAnswer }) {
  if (state === 'running') return messages.overview.scanRunning;
  if (state === 'aborted' || counts === null) {
    return (
      <Text c="red" size="sm" dir="auto">
        {messages.overview.scanAborted}: {error?.message}
      </Text>
    );
  }
  const { local, cdn } = counts;
  const found = {
    missing: local.missing + cdn.missing,
    different: local.different + cdn.different,
    unreadable: local.unreadable + cdn.unreadable,
    orphan: local.orphan + cdn.orphan,
    foreign: cdn.foreign,
  };
  const differing = found.missing + found.different + found.unreadable + found.orphan;
  return (
    <>
      <Text size="sm">
        {isClean === true ? messages.overview.scanClean : messages.overview.scanFound(differing)}
        {cdn.foreign > 0 && ` · ${words.foreign(cdn.foreign)}`}
      </Text>
      {(differing > 0 || cdn.foreign > 0) && <OutcomeBar counts={found} what={messages.overview.found} />}
    </>
  );
}
