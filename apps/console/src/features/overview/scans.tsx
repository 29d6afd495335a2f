import type { ScanAnswer } from '@holdfast/api/types';
import { Anchor, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { driftQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { Time } from '../../app/time.tsx';
import { countDifferences } from '../drift/findings.ts';

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
        <Records
          label={words.scans}
          rows={data.scans.slice(0, SHOWN)}
          keyOf={({ id }) => id}
          columns={[
            {
              name: words.scan,
              cell: ({ id, kind }) => (
                <Anchor inherit renderRoot={(props) => <Link {...props} to="/drift" search={{ scan: id }} />}>
                  {words.scanKinds[kind]}
                </Anchor>
              ),
            },
            { name: words.began, cell: ({ startedAt }) => <Time at={startedAt} ago /> },
            { name: words.found, cell: (scan) => <Found scan={scan} /> },
          ]}
        />
      )}
    </Panel>
  );
}

function Found({ scan: { state, isClean, counts, error } }: { scan: ScanAnswer }) {
  if (state === 'running') return words.scanRunning;
  if (state === 'aborted' || counts === null) {
    return (
      <Text c="red" size="sm" dir="auto" title={error?.message}>
        {words.scanAborted}
      </Text>
    );
  }
  if (isClean === true) return words.scanClean;
  return (
    <Text c="red" size="sm">
      {words.scanFound(countDifferences(counts))}
    </Text>
  );
}
