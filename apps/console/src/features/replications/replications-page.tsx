import { Button, Group, Select, Skeleton, Stack } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { replicationsQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import filters from '../../app/filters.module.css';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { Panel } from '../../app/panel.tsx';
import { PrefixFilter } from '../../app/prefix-filter.tsx';
import { canRetry, keyOf, sinceOf, STATUSES, WAITING, WINDOWS, withOrWithout } from './replications.ts';
import { Replications } from './replication-list.tsx';
import { RetryBar } from './retry-bar.tsx';

const words = messages.replications;

export function ReplicationsPage() {
  const { status, prefix, since } = useSearch({ from: '/replications' });
  const navigate = useNavigate({ from: '/replications' });
  const filter = (changed: { status?: string; prefix?: string; since?: string }): void => {
    void navigate({ search: (known) => ({ ...known, ...changed }) });
  };
  // An instant of this moment would be another question with every look.
  const [openedAt] = useState(() => Date.now());
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    replicationsQuery({ status, prefix, since: sinceOf(since, openedAt) }),
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const rows = data?.pages.flatMap(({ replications }) => replications) ?? [];
  const counts: Readonly<Record<string, number>> = data?.pages[0]?.counts ?? {};
  const choices = rows.filter((row) => canRetry(row) && selected.has(keyOf(row)));
  return (
    <Page title={messages.pages.replications} intro={words.intro}>
      <Panel title={words.filters}>
        <Group align="flex-end">
          <Select
            className={filters.filter}
            label={words.status}
            data={[
              { value: '', label: words.anyStatus },
              { value: WAITING, label: words.waiting },
              ...STATUSES.map((value) => ({
                value,
                label: words.withCount(words.statuses[value], counts[value] ?? 0),
              })),
            ]}
            value={status ?? ''}
            onChange={(value) => filter({ status: value === null || value === '' ? undefined : value })}
            allowDeselect={false}
          />
          <Select
            className={filters.filter}
            label={words.since}
            data={[
              { value: '', label: words.anyTime },
              ...WINDOWS.map((value) => ({ value, label: words.windows[value] })),
            ]}
            value={since ?? ''}
            onChange={(value) => filter({ since: value === null || value === '' ? undefined : value })}
            allowDeselect={false}
          />
          <PrefixFilter prefix={prefix ?? ''} onFilter={(value) => filter({ prefix: value })} />
        </Group>
      </Panel>
      <RetryBar
        selected={choices}
        open={(counts['dead-letter'] ?? 0) + (counts['failed'] ?? 0)}
        onDone={() => setSelected(new Set())}
      />
      {data === undefined ? (
        error === null ? (
          <Skeleton height={240} />
        ) : (
          <Failure error={error} what={messages.pages.replications} onRetry={() => void refetch()} />
        )
      ) : rows.length === 0 ? (
        <Empty title={words.none}>{words.noneDetail}</Empty>
      ) : (
        <Stack gap="sm">
          <Replications
            rows={rows}
            selected={selected}
            onSelect={(key, isSelected) => setSelected(withOrWithout(selected, key, isSelected))}
          />
          {hasNextPage && (
            <Group>
              <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {messages.more}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Page>
  );
}
