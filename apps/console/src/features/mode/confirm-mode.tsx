import type { ChangedMode, DocumentList, UrlsAnswer } from '@holdfast/api/types';
import { Button, Group, Modal, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/client.ts';
import { keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import classes from './mode.module.css';

const words = messages.mode;
const EXAMPLES = 3;

export interface ModeChange {
  readonly fields: {
    readonly cdnEnabled?: boolean;
    readonly localFallback?: boolean;
    readonly pinned?: boolean;
  };
  readonly title: string;
  readonly action: string;
}

/** Asks why, shows what becomes of URLs, and only then changes the mode. */
export function ConfirmMode({ change, onClose }: { change: ModeChange; onClose: (isDone: boolean) => void }) {
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const { cdnEnabled, localFallback } = change.fields;
  const switchMode = useMutation({
    mutationFn: () =>
      ask<ChangedMode>('/v1/mode', { method: 'PUT', body: { ...change.fields, reason: reason.trim() } }),
    onSuccess: ({ unchanged, ...mode }) => {
      queries.setQueryData(keys.mode, mode);
      void queries.invalidateQueries({ queryKey: keys.modeHistory });
      notifications.show({ color: 'teal', message: unchanged ? words.unchanged : words.done });
      onClose(true);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setIsMissing(reason.trim() === '');
    if (reason.trim() !== '') switchMode.mutate();
  };
  return (
    <Modal
      opened
      onClose={() => onClose(false)}
      title={change.title}
      size="lg"
      closeButtonProps={{ 'aria-label': messages.cancel }}
      // The head of a dialog is not that of the page.
      attributes={{ header: { role: 'presentation' } }}
    >
      <form onSubmit={submit}>
        <Stack>
          {cdnEnabled !== undefined && localFallback !== undefined && (
            <UrlPreview mode={{ cdnEnabled, localFallback }} />
          )}
          <TextInput
            label={words.reasonLabel}
            description={words.reasonDetail}
            placeholder={words.reasonExample}
            error={isMissing ? words.reasonMissing : undefined}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
              setIsMissing(false);
            }}
            maxLength={1000}
            dir="auto"
            data-autofocus
            withAsterisk
          />
          {switchMode.error !== null && <Failure error={switchMode.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => onClose(false)}>
              {messages.cancel}
            </Button>
            <Button type="submit" loading={switchMode.isPending}>
              {change.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** The API resolves URLs, now and as if the mode were so: here is no second rule for them. */
function UrlPreview({ mode }: { mode: { cdnEnabled: boolean; localFallback: boolean } }) {
  const { data, error } = useQuery({
    queryKey: [...keys.mode, 'urls', mode],
    queryFn: async ({ signal }) => {
      const { documents } = await ask<DocumentList>(`/v1/content?limit=${EXAMPLES}`, { signal });
      const paths = documents.map(({ path }) => path);
      if (paths.length === 0) return [];
      const resolve = async (body: object) =>
        (await ask<UrlsAnswer>('/v1/urls', { method: 'POST', body: { paths, ...body }, signal })).urls;
      const [now, then] = await Promise.all([resolve({}), resolve({ mode })]);
      return paths.map((path, index) => ({ path, now: urlIn(now[index]), then: urlIn(then[index]) }));
    },
  });
  return (
    <div>
      <Text fw={600}>{words.urlsTitle}</Text>
      {error !== null && <Failure error={error} />}
      {data === undefined && error === null && <Skeleton height={150} />}
      {data?.length === 0 && <Text size="sm">{words.noDocuments}</Text>}
      {data !== undefined && data.length > 0 && (
        <Stack gap="xs" mt={4} component="ul" className={classes.preview}>
          {data.map(({ path, now, then }) => (
            <li key={path}>
              <Text size="sm" c="dimmed" dir="auto">
                {path}
              </Text>
              <Text size="sm" component="div" className={classes.url} data-past={now !== then}>
                <span className={classes.when}>{words.urlNow}</span> <bdi>{now}</bdi>
              </Text>
              <Text size="sm" component="div" className={classes.url} fw={600}>
                <span className={classes.when}>{words.urlThen}</span>{' '}
                <bdi>{then === now ? `${then} (${words.urlSame})` : then}</bdi>
              </Text>
            </li>
          ))}
        </Stack>
      )}
    </div>
  );
}

const urlIn = (answer: UrlsAnswer['urls'][number] | undefined): string =>
  answer === undefined ? '' : 'url' in answer ? answer.url : answer.detail;
