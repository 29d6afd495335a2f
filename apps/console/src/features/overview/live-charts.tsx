import { AreaChart, LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Group, SimpleGrid, Text } from '@mantine/core';
import { formatDuration } from '../../app/format.ts';
import { useSeconds } from '../../app/live-page.ts';
import { messages } from '../../app/messages.ts';
import { CHART_HEIGHT } from './chart-height.ts';
import classes from './overview.module.css';

const words = messages.overview.charts;

const COMMON = {
  h: CHART_HEIGHT,
  dataKey: 'ago',
  withDots: false,
  withXAxis: false,
  gridAxis: 'x',
  strokeWidth: 1.5,
  curveType: 'linear',
  tickLine: 'none',
  yAxisProps: { width: 52, tickCount: 3, allowDecimals: false, tick: { fontSize: 11 } },
} as const;

/** Loaded after the rest of the page, as charts are as large as everything else together. */
export default function LiveCharts() {
  const seconds = useSeconds();
  const last = seconds.at(-1);
  const data = seconds.map((second, index) => ({ ...second, ago: words.ago(seconds.length - 1 - index) }));
  const highest = (read: (second: (typeof seconds)[number]) => number | null): number =>
    Math.max(0, ...seconds.map((second) => read(second) ?? 0));
  const lastLatency = seconds.findLast(({ p50Ms }) => p50Ms !== null);
  const latency =
    lastLatency === undefined
      ? words.noLatency
      : words.latencyNow(formatDuration(lastLatency.p50Ms ?? 0), formatDuration(lastLatency.p99Ms ?? 0));
  const queue = last?.queue ?? null;
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
      <Chart
        title={words.published}
        now={words.publishedNow(last?.published ?? 0)}
        highest={words.publishedNow(highest(({ published }) => published))}
      >
        <AreaChart
          {...COMMON}
          data={data}
          series={[{ name: 'published', label: words.published, color: 'cyan.7' }]}
          areaChartProps={{ accessibilityLayer: false }}
          areaProps={{ isAnimationActive: false }}
        />
      </Chart>
      <Chart title={words.latency} now={latency} highest={formatDuration(highest(({ p99Ms }) => p99Ms))}>
        <LineChart
          {...COMMON}
          data={data}
          connectNulls
          series={[
            { name: 'p50Ms', label: words.p50, color: 'cyan.7' },
            { name: 'p99Ms', label: words.p99, color: 'orange.7' },
          ]}
          valueFormatter={formatDuration}
          lineChartProps={{ accessibilityLayer: false }}
          lineProps={{ isAnimationActive: false }}
        />
      </Chart>
      <Chart
        title={words.queue}
        now={queue === null ? messages.unknown : queue.toLocaleString()}
        highest={highest((second) => second.queue).toLocaleString()}
      >
        <AreaChart
          {...COMMON}
          data={data}
          series={[{ name: 'queue', label: words.queue, color: 'grape.6' }]}
          areaChartProps={{ accessibilityLayer: false }}
          areaProps={{ isAnimationActive: false }}
        />
      </Chart>
    </SimpleGrid>
  );
}

function Chart(props: { title: string; now: string; highest: string; children: React.ReactNode }) {
  return (
    <div>
      <Group justify="space-between" mb={4} wrap="nowrap">
        <Text size="sm" c="dimmed" truncate>
          {props.title}
        </Text>
        <Text size="sm" fw={600} className={classes.fixed}>
          {props.now}
        </Text>
      </Group>
      <div role="img" aria-label={words.describe(props.title, props.now, props.highest)}>
        {props.children}
      </div>
    </div>
  );
}
