import type { ScanAnswer } from '@holdfast/api/types';
import { Button, Code, Group, Stack, Text } from '@mantine/core';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { useMayOperate } from '../../app/role.ts';
import { Time } from '../../app/time.tsx';
import classes from './drift.module.css';
import { OUTCOMES, previewRepair, type Side, SIDES } from './findings.ts';
import { FindingsPart } from './findings-part.tsx';
import { OutcomeBar, Swatch } from './outcome-bar.tsx';
import { RepairDialog } from './repair-dialog.tsx';

const words = messages.drift;
type Counts = NonNullable<ScanAnswer['counts']>;

/** What one scan has found, as pictures and one by one, and what can be done about it. */
export function ScanDetail({ scan, onRepair }: { scan: ScanAnswer; onRepair: (jobId: string) => void }) {
  const { counts, state, error, findingCount } = scan;
  return (
    <Panel
      title={words.scanOf(messages.overview.scanKinds[scan.kind])}
      aside={
        <Group gap="sm">
          <Text size="sm" component="div">
            <bdi>{scan.node}</bdi>, <Time at={scan.startedAt} />
          </Text>
          {counts !== null && <Repair scan={scan} counts={counts} onRepair={onRepair} />}
        </Group>
      }
    >
      {counts === null ? (
        <Empty title={state === 'running' ? words.runs : words.aborted}>
          {state === 'running' ? words.runsDetail : error?.message}
        </Empty>
      ) : (
        <Stack>
          {SIDES.filter((side) => side === 'local' || scan.sides !== 'local').map((side) => (
            <SideCounts key={side} side={side} counts={counts[side]} />
          ))}
          {scan.sides === 'local' && <Text size="sm">{words.bucketElsewhere}</Text>}
          {scan.unsettled !== null && scan.unsettled > 0 && (
            <Text size="sm" c="dimmed">
              {words.unsettled(scan.unsettled)}
            </Text>
          )}
          <Roots scan={scan} />
          {findingCount === 0 ? (
            <Empty title={words.noFindings}>
              {scan.kind === 'quick' ? words.noFindingsOfSample : words.noFindingsDetail}
            </Empty>
          ) : (
            <FindingsPart scan={scan} />
          )}
        </Stack>
      )}
    </Panel>
  );
}

function Repair({
  scan,
  counts,
  onRepair,
}: {
  scan: ScanAnswer;
  counts: Counts;
  onRepair: (jobId: string) => void;
}) {
  const [isRepairing, setIsRepairing] = useState(false);
  const mayOperate = useMayOperate();
  const plan = previewRepair(counts);
  const hasWork = plan.materialise + plan.replicate + plan.quarantine + plan.delete > 0;
  return (
    <>
      <Button size="xs" disabled={!hasWork || !mayOperate} onClick={() => setIsRepairing(true)}>
        {words.repair}
      </Button>
      {isRepairing && (
        <RepairDialog
          scan={scan}
          plan={plan}
          onClose={(job) => {
            setIsRepairing(false);
            if (job !== null) onRepair(job.id);
          }}
        />
      )}
    </>
  );
}

/** How one side compares with the log; each number shows what it counts. */
function SideCounts({ side, counts }: { side: Side; counts: Counts[Side] }) {
  const shown = useSearch({ from: '/drift' });
  const { same, ...rest } = counts;
  const found = OUTCOMES.filter((outcome) => outcome in rest && rest[outcome as keyof typeof rest] > 0);
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        {words.sides[side]}
      </Text>
      <OutcomeBar counts={counts} what={words.sides[side]} />
      <ul className={classes.legend}>
        <li className={classes.legendItem}>
          <Swatch outcome="same" />
          {words.same(same)}
        </li>
        {found.map((outcome) => (
          <li key={outcome} className={classes.legendItem}>
            <Swatch outcome={outcome} />
            <Link
              to="/drift"
              search={(before) => ({ scan: before.scan, side, outcome })}
              resetScroll={false}
              className={classes.link}
              aria-current={shown.side === side && shown.outcome === outcome ? 'true' : undefined}
            >
              {words.counted[outcome](rest[outcome as keyof typeof rest])}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Roots({ scan: { roots } }: { scan: ScanAnswer }) {
  if (roots?.expected === null || roots === null) return null;
  const agree = roots.local === roots.expected && (roots.cdn === null || roots.cdn === roots.expected);
  return (
    <Text size="sm" component="div">
      {agree ? words.rootsAgree : words.rootsDiffer}{' '}
      <Code className={classes.hash}>{roots.expected.slice(0, 16)}…</Code>
    </Text>
  );
}
