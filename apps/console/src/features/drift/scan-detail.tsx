import type { ScanAnswer } from '@holdfast/api/types';
import { Badge, Button, Code, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { useMayOperate } from '../../app/role.ts';
import { Time } from '../../app/time.tsx';
import classes from './drift.module.css';
import { type Finding, type Findings, OUTCOMES, previewRepair, readFindings, SIDES } from './findings.ts';
import { Legend, OutcomeBar } from './outcome-bar.tsx';
import { RepairDialog } from './repair-dialog.tsx';

const words = messages.drift;
const DIRECTORIES_SHOWN = 12;
const PAGE = 100;

/** What one scan has found, as pictures and one by one, and what can be done about it. */
export function ScanDetail({ scan, onRepair }: { scan: ScanAnswer; onRepair: (jobId: string) => void }) {
  const [isRepairing, setIsRepairing] = useState(false);
  const mayOperate = useMayOperate();
  const { data: findings } = useQuery({
    queryKey: [...keys.drift, 'findings', scan.id],
    queryFn: ({ signal }) => readFindings(scan, signal),
    staleTime: Infinity,
    enabled: scan.state === 'completed',
  });
  const { counts } = scan;
  if (counts === null) return null;
  const plan = previewRepair(counts);
  const hasWork = plan.materialise + plan.replicate + plan.quarantine + plan.delete > 0;
  return (
    <Panel
      title={words.scanOf(messages.overview.scanKinds[scan.kind])}
      aside={
        <Group gap="sm">
          <Text size="sm" component="div">
            <bdi>{scan.node}</bdi>, <Time at={scan.startedAt} />
          </Text>
          <Button size="xs" disabled={!hasWork || !mayOperate} onClick={() => setIsRepairing(true)}>
            {words.repair}
          </Button>
        </Group>
      }
    >
      <Stack>
        {SIDES.filter((side) => side === 'local' || scan.sides !== 'local').map((side) => (
          <div key={side}>
            <Text size="sm" fw={600}>
              {words.sides[side]}: {words.same(counts[side].same)}
            </Text>
            <OutcomeBar counts={counts[side]} what={words.sides[side]} />
          </div>
        ))}
        {scan.sides === 'local' && <Text size="sm">{words.bucketElsewhere}</Text>}
        <Legend outcomes={['same', ...OUTCOMES]} />
        {scan.unsettled !== null && scan.unsettled > 0 && (
          <Text size="sm" c="dimmed">
            {words.unsettled(scan.unsettled)}
          </Text>
        )}
        <Roots scan={scan} />
        {findings === undefined ? <Skeleton height={120} /> : <FindingsOf findings={findings} />}
      </Stack>
      {isRepairing && (
        <RepairDialog
          plan={plan}
          onClose={(job) => {
            setIsRepairing(false);
            if (job !== null) onRepair(job.id);
          }}
        />
      )}
    </Panel>
  );
}

function Roots({ scan: { roots } }: { scan: ScanAnswer }) {
  if (roots?.expected === null || roots === null) return null;
  const agree = roots.local === roots.expected && (roots.cdn === null || roots.cdn === roots.expected);
  return (
    <Text size="sm" component="div">
      {agree ? messages.overview.parityValue.agree : messages.overview.parityValue.differ}{' '}
      <Code className={classes.hash}>{roots.expected.slice(0, 16)}…</Code>
    </Text>
  );
}

function FindingsOf({ findings }: { findings: Findings }) {
  const [shown, setShown] = useState(PAGE);
  if (findings.total === 0) return <Empty title={words.noFindings}>{words.noFindingsDetail}</Empty>;
  const most = findings.directories[0]?.total ?? 1;
  return (
    <>
      <Title order={3} size="h5">
        {words.byDirectory}
      </Title>
      <div className={classes.directories}>
        {findings.directories.slice(0, DIRECTORIES_SHOWN).map(({ name, total, outcomes }) => (
          <DirectoryRow key={name} name={name} total={total} outcomes={outcomes} share={total / most} />
        ))}
      </div>
      {findings.directories.length > DIRECTORIES_SHOWN && (
        <Text size="sm" c="dimmed">
          {words.moreDirectories(findings.directories.length - DIRECTORIES_SHOWN)}
        </Text>
      )}
      <Title order={3} size="h5">
        {words.findings(findings.total)}
      </Title>
      {findings.isPartial && <Text size="sm">{words.partial}</Text>}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label={words.findings(findings.total)}>
        <Table stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{words.path}</Table.Th>
              <Table.Th scope="col">{words.outcome}</Table.Th>
              <Table.Th scope="col">{words.wantedAndFound}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {findings.kept.slice(0, shown).map((finding) => (
              <FindingRow key={`${finding.side} ${finding.subject} ${finding.path}`} finding={finding} />
            ))}
          </Table.Tbody>
        </Table>
      </div>
      {findings.kept.length > shown && (
        <Group>
          <Button variant="default" onClick={() => setShown(shown + PAGE)}>
            {messages.more}
          </Button>
        </Group>
      )}
    </>
  );
}

function DirectoryRow(row: Findings['directories'][number] & { share: number }) {
  return (
    <>
      <Text size="sm" className={classes.path} dir="auto">
        {row.name}
      </Text>
      <OutcomeBar counts={row.outcomes} share={row.share} what={row.name} />
      <Text size="sm">{row.total.toLocaleString()}</Text>
    </>
  );
}

function FindingRow({ finding: { side, outcome, path, subject, expected, found } }: { finding: Finding }) {
  return (
    <Table.Tr>
      <Table.Td className={classes.path}>
        <bdi>{path === '' ? words.wholeSide : path}</bdi>
        <Text size="xs" c="dimmed">
          {words.sides[side]}, {words.subjects[subject]}
        </Text>
      </Table.Td>
      <Table.Td>
        <Badge variant="outline" color={outcome === 'foreign' ? 'blue' : 'red'}>
          {words.outcomes[outcome]}
        </Badge>
      </Table.Td>
      <Table.Td className={classes.hash}>
        {expected !== null && (
          <div>
            {words.wanted} <bdi>{expected}</bdi>
          </div>
        )}
        <div>
          {words.foundThere} <bdi>{found ?? words.nothing}</bdi>
        </div>
      </Table.Td>
    </Table.Tr>
  );
}
