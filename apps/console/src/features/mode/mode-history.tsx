import { Button, Group, SegmentedControl, Skeleton, Stack, Text, Tooltip } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconPin } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { modeHistoryQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { formatDuration, formatInstant, formatUtc } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { Time, useNow } from '../../app/time.tsx';
import { type ProbeSample, readSwitches, spansOf, type Switch } from './history.ts';
import classes from './mode.module.css';

const words = messages.mode;
const HOUR_MS = 3_600_000;
const RANGES = { day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 30 * 24 * HOUR_MS } as const;
type Range = keyof typeof RANGES;

export function ModeHistory() {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery(modeHistoryQuery);
  const [range, setRange] = useState<Range>('day');
  const switches = readSwitches(data?.pages.flatMap(({ events }) => events) ?? []);
  return (
    <Panel
      title={words.history}
      aside={
        <SegmentedControl
          size="xs"
          value={range}
          onChange={(value) => setRange(value)}
          data={(Object.keys(RANGES) as Range[]).map((name) => ({ value: name, label: words.ranges[name] }))}
          aria-label={words.rangeLabel}
        />
      }
    >
      {data === undefined ? (
        error === null ? (
          <Skeleton height={160} />
        ) : (
          <Failure error={error} what={words.history} onRetry={() => void refetch()} />
        )
      ) : (
        <Stack>
          <Timeline switches={switches} lengthMs={RANGES[range]} isWhole={!hasNextPage} />
          {switches.length === 0 ? <Empty title={words.historyNone} /> : <Switches switches={switches} />}
          {hasNextPage && (
            <Group>
              <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {messages.more}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Panel>
  );
}

function Timeline(props: { switches: readonly Switch[]; lengthMs: number; isWhole: boolean }) {
  const now = useNow();
  const to = now.getTime();
  const from = to - props.lengthMs;
  const spans = spansOf(props.switches, from, to, props.isWhole);
  const shareOf = (ms: number): string => `${(ms / props.lengthMs) * 100}%`;
  const longest = ['cdn', 'fallback', 'off'].flatMap((choice) => {
    const ms = spans
      .filter((span) => span.choice === choice)
      .reduce((sum, span) => sum + span.to - span.from, 0);
    return ms === 0 ? [] : [`${words.choices[choice as Switch['choice']]} ${formatDuration(ms)}`];
  });
  return (
    <div>
      <div
        className={classes.timeline}
        role="img"
        aria-label={`${words.historyPicture}: ${longest.join(', ')}`}
      >
        {spans.map((span) => (
          <Tooltip
            key={span.from}
            label={`${words.choices[span.choice]}: ${between(span, (at) => formatInstant(at, now))} · ${messages.utc(between(span, formatUtc))}`}
            multiline
          >
            <div
              className={classes.span}
              data-choice={span.choice}
              style={{ insetInlineStart: shareOf(span.from - from), width: shareOf(span.to - span.from) }}
            />
          </Tooltip>
        ))}
      </div>
      <Group justify="space-between" mt={4} wrap="nowrap">
        <Text size="xs" c="dimmed" component="div">
          <Time at={new Date(from).toISOString()} />
        </Text>
        <Text size="xs" c="dimmed">
          {messages.overview.charts.ago(0)}
        </Text>
      </Group>
      <Group gap="md" mt={4} component="ul" className={classes.legend}>
        {(['cdn', 'fallback', 'off'] as const).map((choice) => (
          <Text key={choice} size="xs" component="li" className={classes.legendItem}>
            <span className={classes.swatch} data-choice={choice} aria-hidden /> {words.choices[choice]}
          </Text>
        ))}
      </Group>
    </div>
  );
}

const between = (span: { from: number; to: number }, format: (at: Date) => string): string =>
  `${format(new Date(span.from))} – ${format(new Date(span.to))}`;

function Switches({ switches }: { switches: readonly Switch[] }) {
  return (
    <Records
      label={words.history}
      rows={switches}
      keyOf={({ position }) => position}
      columns={[
        { name: words.when, cell: ({ at }) => <Time at={at} /> },
        {
          name: words.whereTo,
          cell: ({ choice, pinned }) => (
            <span className={classes.legendItem}>
              <span className={classes.swatch} data-choice={choice} aria-hidden /> {words.choices[choice]}
              {pinned && <IconPin size={14} aria-label={words.pinned} role="img" />}
            </span>
          ),
        },
        {
          name: words.who,
          cell: ({ cause, actor }) => <bdi>{cause === 'probe' ? words.probe : messages.actor(actor)}</bdi>,
        },
        {
          name: words.reason,
          width: '45%',
          cell: ({ probes, reason }) => (
            <>
              {probes.length > 0 && <Probes probes={probes} />}
              <Text size="sm" dir="auto" c={probes.length > 0 ? 'dimmed' : undefined}>
                {reason}
              </Text>
            </>
          ),
        },
      ]}
    />
  );
}

/** The samples a probe decided by, in their order. */
function Probes({ probes }: { probes: readonly ProbeSample[] }) {
  const bad = probes.filter(({ isGood }) => !isGood).length;
  return (
    <div role="img" aria-label={words.probesPicture(probes.length - bad, bad)} className={classes.probes}>
      {probes.map(({ at, isGood, outcome }) => (
        <Tooltip key={at} label={`${at.slice(11, 19)} UTC · ${outcome}`}>
          {isGood ? (
            <IconCircleCheck size={20} className={classes.good} />
          ) : (
            <IconCircleX size={20} className={classes.bad} />
          )}
        </Tooltip>
      ))}
    </div>
  );
}
