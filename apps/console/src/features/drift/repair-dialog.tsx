import type { JobAnswer } from '@holdfast/api/types';
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/client.ts';
import { healthQuery } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import classes from './drift.module.css';
import type { previewRepair } from './findings.ts';
import type { ScanRequest } from './start-scan.tsx';

const words = messages.drift;

/** Says what a repair will do, and asks for the number where something is to go. */
export function RepairDialog({
  plan,
  onClose,
}: {
  plan: ReturnType<typeof previewRepair>;
  onClose: (job: JobAnswer | null) => void;
}) {
  const { data: health } = useQuery(healthQuery);
  const orphans = Math.max(plan.quarantine, plan.delete);
  const [withOrphans, setWithOrphans] = useState(false);
  const [typed, setTyped] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const repair = useMutation({
    mutationFn: () => {
      const body: ScanRequest = withOrphans
        ? { kind: 'full', repair: 'all', confirm: orphans }
        : { kind: 'full', repair: 'restore' };
      return ask<JobAnswer>('/v1/drift/scans', { method: 'POST', body });
    },
    onSuccess: onClose,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const isRight = !withOrphans || typed.trim() === String(orphans);
    setIsWrong(!isRight);
    if (isRight) repair.mutate();
  };
  return (
    <Modal
      opened
      onClose={() => onClose(null)}
      title={words.repairTitle}
      size="lg"
      closeButtonProps={{ 'aria-label': messages.cancel }}
      // The head of a dialog is not that of the page.
      attributes={{ header: { role: 'presentation' } }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text>{words.repairIntro(health?.node ?? '')}</Text>
          <ul className={classes.plan}>
            <li>{words.willMaterialise(plan.materialise)}</li>
            <li>{words.willReplicate(plan.replicate)}</li>
            {plan.foreign > 0 && <li>{words.willLeave(plan.foreign)}</li>}
          </ul>
          {orphans > 0 && (
            <Checkbox
              label={words.withOrphans}
              description={words.orphansDetail(plan.quarantine, plan.delete)}
              checked={withOrphans}
              onChange={(event) => setWithOrphans(event.currentTarget.checked)}
            />
          )}
          {withOrphans && (
            <TextInput
              label={words.typeNumber(orphans)}
              value={typed}
              onChange={(event) => {
                setTyped(event.currentTarget.value);
                setIsWrong(false);
              }}
              error={isWrong ? words.typedWrong(orphans) : undefined}
              inputMode="numeric"
              autoComplete="off"
            />
          )}
          {repair.error !== null && <Failure error={repair.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => onClose(null)}>
              {messages.cancel}
            </Button>
            <Button type="submit" color={withOrphans ? 'red' : undefined} loading={repair.isPending}>
              {words.doRepair}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
