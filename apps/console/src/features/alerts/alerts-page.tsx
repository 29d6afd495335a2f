import type { Alert } from '@holdfast/api/types';
import { Button, Group, SegmentedControl, Skeleton, Stack } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { alertsQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { AlertCard } from './alert-card.tsx';
import { Channels } from './channels.tsx';

const words = messages.alerts;
const STATES = ['open', 'past', 'all'] as const;
type State = (typeof STATES)[number];

const NOTHING: Readonly<Record<State, { title: string; detail?: string }>> = {
  open: { title: words.noneOpen, detail: words.noneOpenDetail },
  past: { title: words.nonePast },
  all: { title: words.none },
};

const bySeverity = (one: Alert, other: Alert): number =>
  Number(other.severity === 'critical') - Number(one.severity === 'critical');

export function AlertsPage() {
  const { state = 'open' } = useSearch({ from: '/alerts' });
  const navigate = useNavigate({ from: '/alerts' });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    alertsQuery({ state }),
  );
  const listed = data?.pages.flatMap((page) => page.alerts) ?? [];
  // Of those that hold now the worst come first; the past is read by time.
  const alerts = state === 'open' ? listed.toSorted(bySeverity) : listed;
  return (
    <Page title={words.title} intro={words.intro}>
      <Group>
        <SegmentedControl
          value={state}
          onChange={(value) => void navigate({ search: { state: value } })}
          data={STATES.map((value) => ({ value, label: words[value] }))}
          aria-label={words.filter}
        />
      </Group>
      {data === undefined ? (
        error === null ? (
          <Skeleton height={160} />
        ) : (
          <Failure error={error} what={words.title} onRetry={() => void refetch()} />
        )
      ) : alerts.length === 0 ? (
        <Empty title={NOTHING[state].title}>{NOTHING[state].detail}</Empty>
      ) : (
        <Stack gap="sm">
          {alerts.map((alert) => (
            <AlertCard key={`${alert.code} ${alert.subject} ${alert.raisedAt}`} alert={alert} />
          ))}
          {hasNextPage && (
            <Group>
              <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {messages.more}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      <Channels />
    </Page>
  );
}
