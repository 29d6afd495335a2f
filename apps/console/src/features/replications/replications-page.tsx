import { Button, Group, Select, Skeleton, Stack, Table, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { replicationsQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { Panel } from '../../app/panel.tsx';
import { canRetry, keyOf, sinceOf, STATUSES, WAITING, WINDOWS } from './replications.ts';
import { ReplicationRow } from './replication-row.tsx';
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
  const select = (key: string, isSelected: boolean): void => {
    const next = new Set(selected);
    if (isSelected) next.add(key);
    else next.delete(key);
    setSelected(next);
  };
  return (
    <Page title={messages.pages.replications} intro={words.intro}>
      <Panel title={words.filters}>
        <Group align="flex-end">
          <Select
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
            label={words.since}
            data={[
              { value: '', label: words.anyTime },
              ...WINDOWS.map((value) => ({ value, label: words.windows[value] })),
            ]}
            value={since ?? ''}
            onChange={(value) => filter({ since: value === null || value === '' ? undefined : value })}
            allowDeselect={false}
          />
          <PrefixFilter
            key={prefix ?? ''}
            prefix={prefix ?? ''}
            onFilter={(value) => filter({ prefix: value })}
          />
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
          <Table.ScrollContainer minWidth={680}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{words.select}</Table.Th>
                  <Table.Th scope="col">{words.document}</Table.Th>
                  <Table.Th scope="col">{words.status}</Table.Th>
                  <Table.Th scope="col">{words.attempts}</Table.Th>
                  <Table.Th scope="col">{words.when}</Table.Th>
                  <Table.Th scope="col">{words.details}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row) => (
                  <ReplicationRow
                    key={keyOf(row)}
                    row={row}
                    isSelected={selected.has(keyOf(row))}
                    onSelect={(isSelected) => select(keyOf(row), isSelected)}
                  />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
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

/** Asked for when it is entered, not with every key. */
function PrefixFilter({ prefix, onFilter }: { prefix: string; onFilter: (prefix?: string) => void }) {
  const [typed, setTyped] = useState(prefix);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onFilter(typed.trim() === '' ? undefined : typed.trim());
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <TextInput
          label={words.prefix}
          placeholder="units/"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          dir="auto"
        />
        <Button type="submit" variant="default">
          {words.apply}
        </Button>
      </Group>
    </form>
  );
}
