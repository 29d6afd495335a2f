import type { ScanAnswer } from '@holdfast/api/types';
import { Anchor, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '../../app/empty.tsx';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { Time } from '../../app/time.tsx';
import { addSides, countDifferences } from './findings.ts';
import { Legend, OutcomeBar } from './outcome-bar.tsx';

const words = messages.drift;

export function ScanList({ scans, shown }: { scans: readonly ScanAnswer[]; shown: string | null }) {
  return (
    <Panel title={words.lastScans}>
      {scans.length === 0 ? (
        <Empty title={messages.overview.noScans} />
      ) : (
        <Stack gap="sm">
          <Records
            label={words.lastScans}
            rows={scans}
            keyOf={({ id }) => id}
            isCurrent={({ id }) => id === shown}
            columns={[
              {
                name: messages.overview.scan,
                cell: ({ id, kind, startedAt }) => (
                  <>
                    <Anchor
                      inherit
                      renderRoot={(props) => <Link {...props} to="/drift" search={{ scan: id }} />}
                      fw={id === shown ? 700 : undefined}
                    >
                      {messages.overview.scanKinds[kind]}
                    </Anchor>{' '}
                    <Time at={startedAt} ago />
                  </>
                ),
              },
              { name: messages.overview.node, cell: ({ node }) => <bdi>{node}</bdi> },
              {
                name: messages.overview.took,
                cell: ({ durationMs }) => (durationMs === null ? '–' : formatDuration(durationMs)),
              },
              { name: messages.overview.found, width: '45%', cell: (scan) => <Found scan={scan} /> },
            ]}
          />
          <Legend />
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
  const differing = countDifferences(counts);
  const { foreign } = counts.cdn;
  return (
    <>
      <Text size="sm">
        {isClean === true ? messages.overview.scanClean : messages.overview.scanFound(differing)}
        {foreign > 0 && ` · ${words.foreign(foreign)}`}
      </Text>
      {(differing > 0 || foreign > 0) && (
        <OutcomeBar counts={addSides(counts)} what={messages.overview.found} />
      )}
    </>
  );
}
