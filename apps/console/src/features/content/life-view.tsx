import type { AuditEvent } from '@holdfast/api/types';
import { Button, Stack, Text, Timeline } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCloudUpload,
  IconPoint,
  IconRefresh,
  IconScale,
  IconTrash,
  IconUpload,
  IconX,
} from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Time } from '../../app/time.tsx';
import { lifeQuery } from './content-queries.ts';

const words = messages.content;

const LOOKS: Readonly<Record<string, { icon: typeof IconPoint; color: string }>> = {
  ContentPublished: { icon: IconUpload, color: 'cyan' },
  ContentDeleted: { icon: IconTrash, color: 'red' },
  ContentReplicated: { icon: IconCloudUpload, color: 'teal' },
  ReplicationFailed: { icon: IconAlertTriangle, color: 'orange' },
  ReplicationDeadLettered: { icon: IconX, color: 'red' },
  ReplicationRetryRequested: { icon: IconRefresh, color: 'cyan' },
  DriftDetected: { icon: IconScale, color: 'orange' },
  DriftRepaired: { icon: IconScale, color: 'teal' },
};

/** Everything that ever happened to a path, newest first. */
export function LifeView({ path }: { path: string }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    lifeQuery(path),
  );
  if (error !== null && data === undefined) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Text c="dimmed">{messages.loading}</Text>;
  const events = data.pages.flatMap((page) => page.events);
  if (events.length === 0) return <Empty title={words.lifeNone} />;
  return (
    <Stack gap="md">
      <Timeline bulletSize={26} lineWidth={2} active={events.length}>
        {events.map((event) => {
          const { icon: Icon, color } = LOOKS[event.type] ?? { icon: IconPoint, color: 'gray' };
          return (
            <Timeline.Item
              key={event.id}
              color={color}
              bullet={<Icon size={15} aria-hidden />}
              title={words.events[event.type] ?? event.type}
            >
              <Details event={event} />
            </Timeline.Item>
          );
        })}
      </Timeline>
      {hasNextPage && (
        <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {messages.more}
        </Button>
      )}
    </Stack>
  );
}

function Details({ event: { type, version, at, actor, data, error } }: { event: AuditEvent }) {
  const about = type.startsWith('Content') && type !== 'ContentReplicated' ? version : data?.['version'];
  const failure = data?.['error'] as { code: string; message: string } | undefined;
  const duration = data?.['durationMs'];
  const attempt = data?.['attempt'];
  const reason = data?.['reason'];
  return (
    <>
      <Text size="sm" c="dimmed" component="div">
        {typeof about === 'number' && `${words.version(about)} · `}
        {at !== null && <Time at={at} />}
        {actor !== null && (
          <>
            {' · '}
            <bdi>{messages.by(actor)}</bdi>
          </>
        )}
        {typeof attempt === 'number' &&
          typeof duration === 'number' &&
          ` · ${words.attempt(attempt, formatDuration(duration))}`}
      </Text>
      {typeof reason === 'string' && reason !== '' && (
        <Text size="sm" dir="auto">
          {reason}
        </Text>
      )}
      {failure !== undefined && (
        <Text size="sm" c="red" dir="auto">
          {failure.code}: {failure.message}
        </Text>
      )}
      {error !== null && (
        <Text size="sm" c="red">
          {words.unreadable}: {error.message}
        </Text>
      )}
    </>
  );
}
