import type { ScanAnswer } from '@holdfast/api/types';
import { Button, Group, Select, Skeleton, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { PathBreadcrumbs } from '../../app/breadcrumbs.tsx';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import filters from '../../app/filters.module.css';
import { messages } from '../../app/messages.ts';
import { PrefixFilter } from '../../app/prefix-filter.tsx';
import { Directories } from './directories.tsx';
import {
  addSides,
  directoryOf,
  type FindingsFilter,
  OUTCOMES,
  SIDES,
  summaryQuery,
  total,
} from './findings.ts';
import { FindingsList } from './findings-list.tsx';

const words = messages.drift;
const ANY = '';

/** Everything a scan has found: which of it, as the address says, by directory, and one by one. */
export function FindingsPart({ scan }: { scan: ScanAnswer }) {
  const { side, outcome, prefix } = useSearch({ from: '/drift' });
  const filter: FindingsFilter = { side, outcome, prefix };
  const { data, error, refetch } = useQuery({
    ...summaryQuery(scan.id, filter),
    placeholderData: keepPreviousData,
  });
  const head = useRef<HTMLHeadingElement>(null);
  const before = useRef(data?.prefix);
  useEffect(() => {
    // The link that was followed to a directory is gone with its row; the keyboard goes on from here.
    const isElsewhere = before.current !== undefined && before.current !== data?.prefix;
    before.current = data?.prefix;
    if (isElsewhere && document.activeElement === document.body) head.current?.focus({ preventScroll: true });
  }, [data?.prefix]);
  if (error !== null) {
    return <Failure error={error} what={words.findings} onRetry={() => void refetch()} />;
  }
  if (data === undefined) return <Skeleton height={240} />;
  const shown = total(addSides(data.total));
  return (
    <div>
      <Title order={3} size="h5" mb="xs" ref={head} tabIndex={-1}>
        {words.found(shown, scan.findingCount ?? 0)}
      </Title>
      {!data.isComplete && (
        <Text size="sm" mb="xs">
          {words.partial(scan.node)}
        </Text>
      )}
      <Filters filter={filter} />
      <PathBreadcrumbs
        path={directoryOf(data.prefix)}
        top={words.allDirectories}
        linkTo={(directory, props) => (
          <Link
            {...props}
            to="/drift"
            search={(before) => ({ ...before, prefix: directory === '' ? undefined : directory })}
            resetScroll={false}
          />
        )}
      />
      {shown === 0 ? (
        <Empty title={words.noneFound}>{words.noneFoundDetail}</Empty>
      ) : (
        <>
          <Directories summary={data} />
          <FindingsList
            key={`${scan.id} ${side} ${outcome} ${prefix}`}
            scanId={scan.id}
            filter={filter}
            total={shown}
          />
        </>
      )}
    </div>
  );
}

function Filters({ filter: { side, outcome, prefix } }: { filter: FindingsFilter }) {
  const navigate = useNavigate({ from: '/drift' });
  const filter = (changed: { side?: string; outcome?: string; prefix?: string }): void => {
    void navigate({
      search: (before) => ({ ...before, ...changed }) as typeof before,
      resetScroll: false,
    });
  };
  const chosen = (value: string | null): string | undefined =>
    value === null || value === ANY ? undefined : value;
  return (
    <Group align="flex-end" gap="sm" mb="sm">
      <Select
        className={filters.filter}
        label={words.side}
        data={[
          { value: ANY, label: words.anySide },
          ...SIDES.map((value) => ({ value, label: words.sides[value] })),
        ]}
        value={side ?? ANY}
        onChange={(value) => filter({ side: chosen(value) })}
        allowDeselect={false}
      />
      <Select
        className={filters.filter}
        label={words.outcome}
        data={[
          { value: ANY, label: words.anyOutcome },
          ...OUTCOMES.map((value) => ({ value, label: words.outcomes[value] })),
        ]}
        value={outcome ?? ANY}
        onChange={(value) => filter({ outcome: chosen(value) })}
        allowDeselect={false}
      />
      <PrefixFilter prefix={prefix ?? ''} onFilter={(value) => filter({ prefix: value })} />
      {(side ?? outcome ?? prefix) !== undefined && (
        <Button
          variant="subtle"
          onClick={() => filter({ side: undefined, outcome: undefined, prefix: undefined })}
        >
          {words.showAll}
        </Button>
      )}
    </Group>
  );
}
