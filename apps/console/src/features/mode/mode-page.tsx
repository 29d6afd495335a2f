import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { modeQuery } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Page } from '../../app/page.tsx';
import { CurrentMode } from './current-mode.tsx';
import { ModeHistory } from './mode-history.tsx';
import { SwitchMode } from './switch-mode.tsx';

export function ModePage() {
  const { data: mode, error, refetch } = useQuery(modeQuery);
  return (
    <Page title={messages.mode.title} intro={messages.mode.intro}>
      {mode !== undefined ? (
        <>
          <CurrentMode mode={mode} />
          <SwitchMode mode={mode} />
        </>
      ) : error !== null ? (
        <Failure error={error} what={messages.mode.title} onRetry={() => void refetch()} />
      ) : (
        <Skeleton height={320} />
      )}
      <ModeHistory />
    </Page>
  );
}
