import type { JobAnswer } from '@holdfast/api/types';
import { Alert, Button, Group, Modal, Progress, Stack, Text, TextInput } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask, query } from '../../api/client.ts';
import { jobQuery, keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { encodePath, summaryQuery } from './content-queries.ts';

const words = messages.content;
const POLL_MS = 500;

export function DeleteDirectory({ directory, onClose }: { directory: string; onClose: () => void }) {
  const [jobId, setJobId] = useState<string | null>(null);
  return (
    <Modal opened onClose={onClose} title={words.deleteDirectoryTitle} size="lg" centered>
      {jobId === null ? (
        <Confirm directory={directory} onCancel={onClose} onRequested={setJobId} />
      ) : (
        <Watch id={jobId} onClose={onClose} />
      )}
    </Modal>
  );
}

function Confirm(props: { directory: string; onCancel: () => void; onRequested: (jobId: string) => void }) {
  const { directory, onCancel, onRequested } = props;
  const { data: summary, error, refetch } = useQuery({ ...summaryQuery(directory), staleTime: 0 });
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const request = useMutation({
    mutationFn: () =>
      ask<JobAnswer>(`/v1/content/${encodePath(directory)}${query({ reason })}`, { method: 'DELETE' }),
    onSuccess: ({ id }) => onRequested(id),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === directory) request.mutate();
      }}
    >
      <Stack gap="sm">
        <Text fw={600} dir="auto">
          {directory}
        </Text>
        <Consequences
          lines={[
            summary === undefined
              ? messages.loading
              : words.deleteCounts(
                  words.documents(summary.documents.count, summary.documents.isAtLeast),
                  formatBytes(summary.bytes),
                  summary.onCdn.toLocaleString(),
                ),
            words.deleteLocal,
            words.deleteCdn,
            words.deleteKept,
            words.deleteLater,
            words.deleteJob,
          ]}
        />
        {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
        <TextInput
          label={words.deleteReason}
          description={words.deleteReasonDetail}
          value={reason}
          maxLength={1000}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label={words.deleteType(directory)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          dir="auto"
        />
        {request.error !== null && <Failure error={request.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            {messages.cancel}
          </Button>
          <Button type="submit" color="red.9" disabled={typed !== directory} loading={request.isPending}>
            {words.deleteConfirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function Consequences({ lines }: { lines: readonly string[] }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {words.deleteConsequences}
      </Text>
      <Text size="sm" component="ul" my={4} ps="lg">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </Text>
    </div>
  );
}

function Watch({ id, onClose }: { id: string; onClose: () => void }) {
  const queries = useQueryClient();
  const { data: job, error } = useQuery({
    ...jobQuery(id),
    refetchInterval: ({ state }) => (isFinished(state.data) ? false : POLL_MS),
  });
  const close = () => {
    void queries.invalidateQueries({ queryKey: keys.documents });
    void queries.invalidateQueries({ queryKey: ['tree-summary'] });
    onClose();
  };
  const { done = 0, total = null } = job?.progress ?? {};
  const part = job?.state === 'succeeded' ? 100 : total === null || total === 0 ? 0 : (100 * done) / total;
  return (
    <Stack gap="sm">
      {error !== null && <Failure error={error} />}
      {job?.state === 'failed' && (
        <Alert color="red" variant="outline" title={words.deleteFailed} role="alert">
          {job.error?.message}
        </Alert>
      )}
      <Progress value={part} aria-label={words.deleteRunning} />
      <Group gap="xs" role="status">
        {job?.state === 'succeeded' && <IconCheck size={18} aria-hidden />}
        <Text size="sm">
          {job?.state === 'succeeded' ? words.deleteSucceeded : words.deleteProgress(done, total)}
        </Text>
      </Group>
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {words.close}
        </Button>
      </Group>
    </Stack>
  );
}

const isFinished = (job: JobAnswer | undefined): boolean =>
  job?.state === 'succeeded' || job?.state === 'failed';
