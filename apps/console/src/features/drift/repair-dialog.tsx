import type { JobAnswer, ScanAnswer } from '@holdfast/api/types';
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/client.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import classes from './drift.module.css';
import { type previewRepair, summaryQuery } from './findings.ts';
import type { ScanRequest } from './start-scan.tsx';

const words = messages.drift;

/** Says what a repair will do, and asks for the number where more is to go than a repair takes by itself. */
export function RepairDialog({
  scan,
  plan,
  onClose,
}: {
  scan: ScanAnswer;
  plan: ReturnType<typeof previewRepair>;
  onClose: (job: JobAnswer | null) => void;
}) {
  const orphans = Math.max(plan.quarantine, plan.delete);
  const { data: summary } = useQuery(summaryQuery(scan.id, {}));
  const [withOrphans, setWithOrphans] = useState(false);
  const [typed, setTyped] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const isTooMany = withOrphans && orphans > (summary?.allowedOrphans ?? 0);
  const repair = useMutation({
    mutationFn: () => {
      const body: ScanRequest = {
        kind: 'full',
        node: scan.node,
        repair: withOrphans ? 'all' : 'restore',
        ...(isTooMany ? { confirm: orphans } : {}),
      };
      return ask<JobAnswer>('/v1/drift/scans', { method: 'POST', body });
    },
    onSuccess: onClose,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const isRight = !isTooMany || typed.trim() === String(orphans);
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
          <Text>{words.repairIntro(scan.node)}</Text>
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
          {isTooMany && (
            <TextInput
              label={words.typeNumber(orphans)}
              description={words.tooMany(summary?.allowedOrphans ?? 0)}
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
