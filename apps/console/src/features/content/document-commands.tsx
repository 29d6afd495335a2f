import type { DeleteAnswer, DocumentState, RetryAnswer } from '@holdfast/api/types';
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ask, query } from '../../api/client.ts';
import { keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { encodePath } from './content-queries.ts';
import { Consequences } from './delete-directory.tsx';

const words = messages.content;

interface CommandProps {
  readonly document: DocumentState;
  readonly onClose: () => void;
}

export function ReplicateAgain({ document: { path }, onClose }: CommandProps) {
  const command = useCommand({
    send: () => ask<RetryAnswer>('/v1/replications/retry', { method: 'POST', body: { path, again: true } }),
    done: words.againDone,
    onClose,
  });
  return (
    <Dialog title={words.againTitle} confirm={words.againConfirm} command={command} onClose={onClose}>
      <Text fw={600} dir="auto">
        {path}
      </Text>
      <Text size="sm">{words.againDetail}</Text>
    </Dialog>
  );
}

export function DeleteDocument({ document: { path, version, cdn }, onClose }: CommandProps) {
  const [reason, setReason] = useState('');
  const command = useCommand({
    // What somebody published meanwhile was not looked at, so it is not deleted.
    send: () =>
      ask<DeleteAnswer>(`/v1/content/${encodePath(path)}${query({ reason })}`, {
        method: 'DELETE',
        headers: { 'if-match': `"${version}"` },
      }),
    done: words.deleteDone(path),
    onClose,
  });
  return (
    <Dialog
      title={words.deleteTitle}
      confirm={words.deleteConfirm}
      isDangerous
      command={command}
      onClose={onClose}
    >
      <Text fw={600} dir="auto">
        {path}
      </Text>
      <Consequences
        lines={[words.deleteLocal, cdn === null ? words.deleteNotOnCdn : words.deleteCdn, words.deleteKept]}
      />
      <TextInput
        label={words.deleteReason}
        description={words.deleteReasonDetail}
        value={reason}
        maxLength={1000}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
    </Dialog>
  );
}

function useCommand(o: { send: () => Promise<unknown>; done: string; onClose: () => void }) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: o.send,
    onSuccess: async () => {
      notifications.show({ message: o.done });
      o.onClose();
      await Promise.all(
        [keys.documents, keys.replications].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );
    },
  });
}

function Dialog(props: {
  title: string;
  confirm: string;
  isDangerous?: boolean;
  command: ReturnType<typeof useCommand>;
  onClose: () => void;
  children: ReactNode;
}) {
  const { title, confirm, isDangerous = false, command, onClose, children } = props;
  return (
    <Modal opened onClose={onClose} title={title} size="lg" centered>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          command.mutate();
        }}
      >
        <Stack gap="sm">
          {children}
          {command.error !== null && <Failure error={command.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {messages.cancel}
            </Button>
            <Button type="submit" color={isDangerous ? 'red.9' : undefined} loading={command.isPending}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
