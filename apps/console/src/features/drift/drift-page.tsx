import type { JobAnswer, ScanAnswer } from '@holdfast/api/types';
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { driftQuery, keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { QuarantinePanel } from './quarantine.tsx';
import { ScanDetail } from './scan-detail.tsx';
import { ScanList } from './scan-list.tsx';
import { StartScan } from './start-scan.tsx';

const words = messages.drift;

export function DriftPage() {
  const { scan: chosen } = useSearch({ from: '/drift' });
  const navigate = useNavigate({ from: '/drift' });
  const { data, error, refetch } = useQuery(driftQuery);
  const [askedFor, setAskedFor] = useState<string | null>(null);
  const scans = data?.scans ?? [];
  const running = scans.find(({ state }) => state === 'running');
  const newest = scans.find(({ state, kind }) => state === 'completed' && kind !== 'quick') ?? scans[0];
  const shown = scans.find(({ id }) => id === chosen) ?? (chosen === undefined ? newest : undefined);
  const begin = ({ id }: Pick<JobAnswer, 'id'>): void => {
    setAskedFor(id);
    // What comes is shown, not what was chosen before.
    void navigate({ search: { scan: undefined } });
  };
  return (
    <Page title={messages.pages.drift} intro={words.intro}>
      <StartScan jobId={askedFor ?? running?.jobId ?? null} onStarted={begin} />
      {data === undefined ? (
        error === null ? (
          <Skeleton height={240} />
        ) : (
          <Failure error={error} what={messages.pages.drift} onRetry={() => void refetch()} />
        )
      ) : (
        <>
          {shown !== undefined && <ScanDetail key={shown.id} scan={shown} onRepair={(id) => begin({ id })} />}
          {shown === undefined && chosen !== undefined && (
            <OlderScan id={chosen} onRepair={(id) => begin({ id })} />
          )}
          <ScanList scans={scans} shown={shown?.id ?? chosen ?? null} />
        </>
      )}
      <QuarantinePanel />
    </Page>
  );
}

/** One that a link leads to, and the list has no more. */
function OlderScan({ id, onRepair }: { id: string; onRepair: (jobId: string) => void }) {
  const { data, error } = useQuery({
    queryKey: [...keys.drift, 'scan', id],
    queryFn: ({ signal }) => ask<ScanAnswer>(`/v1/drift/scans/${encodeURIComponent(id)}`, { signal }),
  });
  if (error !== null) return <Failure error={error} />;
  return data === undefined ? <Skeleton height={240} /> : <ScanDetail scan={data} onRepair={onRepair} />;
}
