import type { JobAnswer, Replication } from '@holdfast/api/types';
import { Button, Group, Modal, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { JobProgress } from '../../app/job-progress.tsx';
import { messages } from '../../app/messages.ts';
import { useMayOperate } from '../../app/role.ts';

const words = messages.replications;
/** Paths that one request takes. */
const AT_ONCE = 100;

interface Retried {
  readonly retried: readonly unknown[];
  readonly refused: readonly { readonly path: string; readonly message: string }[];
}

/** Asks for another round of attempts: for what is selected, or for all that failed. */
export function RetryBar({
  selected,
  open,
  onDone,
}: {
  selected: readonly Replication[];
  /** How many have failed, of the whole log. */
  open: number;
  onDone: () => void;
}) {
  const queries = useQueryClient();
  const mayOperate = useMayOperate();
  const [isConfirming, setIsConfirming] = useState(false);
  const [jobId, setJobId] = useState<string | null>(null);
  const [done, setDone] = useState(0);
  const refresh = (): void => {
    void queries.invalidateQueries({ queryKey: keys.replications });
    void queries.invalidateQueries({ queryKey: keys.health });
  };
  const retrySome = useMutation({
    mutationFn: async () => {
      const answers: Retried[] = [];
      for (let start = 0; start < selected.length; start += AT_ONCE) {
        const paths = selected.slice(start, start + AT_ONCE).map(({ path }) => path);
        answers.push(await ask<Retried>('/v1/replications/retry', { method: 'POST', body: { paths } }));
        setDone(start + paths.length);
      }
      return {
        retried: answers.flatMap(({ retried }) => retried).length,
        refused: answers.flatMap(({ refused }) => refused),
      };
    },
    onSuccess: onDone,
    onSettled: refresh,
  });
  const retryAll = useMutation({
    mutationFn: () => ask<JobAnswer>('/v1/replications/retry', { method: 'POST', body: { all: true } }),
    onSuccess: ({ id }) => {
      setJobId(id);
      setIsConfirming(false);
      onDone();
    },
  });
  return (
    <Stack gap="xs">
      <Group>
        <Button
          disabled={selected.length === 0 || !mayOperate}
          loading={retrySome.isPending}
          onClick={() => retrySome.mutate()}
        >
          {words.retrySelected(selected.length)}
        </Button>
        <Button variant="default" disabled={open === 0 || !mayOperate} onClick={() => setIsConfirming(true)}>
          {words.retryAll(open)}
        </Button>
      </Group>
      {!mayOperate && <Text size="sm">{messages.session.needsOperator}</Text>}
      {retrySome.isPending && selected.length > 1 && (
        <Progress value={(100 * done) / selected.length} aria-label={words.progress} />
      )}
      {retrySome.isSuccess && (
        <Text size="sm" role="status">
          {words.asked(retrySome.data.retried)}
        </Text>
      )}
      {retrySome.data?.refused.map(({ path, message }) => (
        <Text key={path} size="sm" c="red" dir="auto">
          {message}
        </Text>
      ))}
      {retrySome.error !== null && <Failure error={retrySome.error} />}
      {jobId !== null && <JobProgress id={jobId} stale={[keys.replications, keys.health]} />}
      <Modal
        opened={isConfirming}
        onClose={() => setIsConfirming(false)}
        title={words.confirmTitle}
        closeButtonProps={{ 'aria-label': messages.cancel }}
        // The head of a dialog is not that of the page.
        attributes={{ header: { role: 'presentation' } }}
      >
        <Stack>
          <Text>{words.confirmAll(open)}</Text>
          {retryAll.error !== null && <Failure error={retryAll.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setIsConfirming(false)}>
              {messages.cancel}
            </Button>
            <Button loading={retryAll.isPending} onClick={() => retryAll.mutate()}>
              {words.doRetryAll}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Stack>
  );
}
