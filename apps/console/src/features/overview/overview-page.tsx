import { Box, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { healthQuery } from '../../api/queries.ts';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { Panel } from '../../app/panel.tsx';
import { CHART_HEIGHT } from './chart-height.ts';
import { Disks } from './disks.tsx';
import { Nodes } from './nodes.tsx';
import { Recent } from './recent.tsx';
import { LastScans } from './scans.tsx';
import { Tiles } from './tiles.tsx';
import { Verdict } from './verdict.tsx';

const LiveCharts = lazy(() => import('./live-charts.tsx'));

export function OverviewPage() {
  const { data: health, isError } = useQuery(healthQuery);
  // What failed is told above.
  const waiting = isError ? null : <Skeleton height={160} />;
  return (
    <Page title={messages.overview.title}>
      <Verdict />
      <Tiles />
      <Panel
        title={messages.overview.now}
        aside={
          <Text size="xs" c="dimmed">
            {messages.overview.lastMinutes}
          </Text>
        }
      >
        <Box mih={CHART_HEIGHT + 26}>
          <Suspense fallback={<Skeleton height={CHART_HEIGHT + 26} />}>
            <LiveCharts />
          </Suspense>
        </Box>
      </Panel>
      {health === undefined ? waiting : <Nodes health={health} />}
      <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
        <LastScans />
        {health === undefined ? waiting : <Disks health={health} />}
        <Recent />
      </SimpleGrid>
    </Page>
  );
}
