import type { Replication } from '@holdfast/api/types';
import { Anchor, Badge, Button, Checkbox, Code, Group, Stack, Text } from '@mantine/core';
import {
  IconAlertOctagon,
  IconArrowForward,
  IconCheck,
  IconClock,
  IconRefreshAlert,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Records } from '../../app/records.tsx';
import { useMayOperate } from '../../app/role.ts';
import { Time } from '../../app/time.tsx';
import { canRetry, keyOf, withOrWithout } from './replications.ts';
import classes from './replications.module.css';

const words = messages.replications;

const LOOKS = {
  'dead-letter': { color: 'red', Icon: IconAlertOctagon },
  failed: { color: 'orange', Icon: IconRefreshAlert },
  queued: { color: 'cyan', Icon: IconClock },
  success: { color: 'teal', Icon: IconCheck },
  superseded: { color: 'gray', Icon: IconArrowForward },
} as const;

/** Each version of the log, whether it is to be retried, and on demand all that is known of it. */
export function Replications({
  rows,
  selected,
  onSelect,
}: {
  rows: readonly Replication[];
  selected: ReadonlySet<string>;
  onSelect: (key: string, isSelected: boolean) => void;
}) {
  const mayOperate = useMayOperate();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  return (
    <Records
      label={messages.pages.replications}
      rows={rows}
      keyOf={keyOf}
      below={(row) => (open.has(keyOf(row)) ? <Details row={row} /> : null)}
      columns={[
        {
          name: words.document,
          width: '40%',
          cell: (row) => (
            <Group gap="sm" wrap="nowrap" align="flex-start">
              <Checkbox
                checked={selected.has(keyOf(row))}
                disabled={!mayOperate || !canRetry(row)}
                // Its place is kept, so that paths stand below each other.
                className={canRetry(row) ? undefined : classes.absent}
                onChange={(event) => onSelect(keyOf(row), event.currentTarget.checked)}
                aria-label={words.selectOf(row.path, row.version)}
              />
              <div className={classes.path}>
                <Anchor
                  inherit
                  renderRoot={(props) => <Link {...props} to="/documents/$" params={{ _splat: row.path }} />}
                >
                  <bdi>{row.path}</bdi>
                </Anchor>
                <Text size="xs" c="dimmed">
                  {words.versionAndAction(row.version, row.action)}
                </Text>
              </div>
            </Group>
          ),
        },
        { name: words.status, cell: (row) => <Status row={row} /> },
        { name: words.attempts, cell: ({ attempts }) => attempts },
        {
          name: words.when,
          cell: ({ queuedAt, nextRetryAt }) => (
            <>
              <Time at={queuedAt} />
              {nextRetryAt !== null && (
                <Text size="xs" component="div">
                  {words.nextRetry} <Time at={nextRetryAt} />
                </Text>
              )}
            </>
          ),
        },
        {
          name: words.details,
          isNameless: true,
          cell: (row) => {
            const isOpen = open.has(keyOf(row));
            return (
              <Button
                size="compact-xs"
                variant="default"
                aria-expanded={isOpen}
                aria-label={words.detailsOf(isOpen, row.path, row.version)}
                onClick={() => setOpen(withOrWithout(open, keyOf(row), !isOpen))}
              >
                {isOpen ? words.hide : words.details}
              </Button>
            );
          },
        },
      ]}
    />
  );
}

function Status({ row: { status, error } }: { row: Replication }) {
  const { color, Icon } = LOOKS[status];
  return (
    <>
      <Badge variant="outline" color={color} leftSection={<Icon size={12} aria-hidden />}>
        {words.statuses[status]}
      </Badge>
      {error !== null && <Text size="xs">{words.errors[error.code] ?? error.code}</Text>}
    </>
  );
}

function Details({ row }: { row: Replication }) {
  const { error, localSha256, cdnSha256, etag, verified, startedAt, endedAt, cause } = row;
  const tookMs = startedAt === null || endedAt === null ? null : Date.parse(endedAt) - Date.parse(startedAt);
  return (
    <Stack gap="xs">
      {error !== null && (
        <div>
          <Text size="sm" fw={600}>
            {words.errors[error.code] ?? words.lastError} <Code>{error.code}</Code>
          </Text>
          <Text size="sm" dir="auto">
            {error.message}
          </Text>
          <Text size="sm">{words.advice[error.code] ?? words.adviceDefault}</Text>
        </div>
      )}
      <dl className={classes.facts}>
        <Fact name={words.localHash} value={localSha256 ?? words.deletion} />
        <Fact name={words.cdnHash} value={cdnSha256 ?? words.notThere} />
        <Fact name={words.etag} value={etag ?? messages.none} />
        <Fact name={words.verified} value={verified ? words.isVerified : words.isNotVerified} />
        {tookMs !== null && <Fact name={words.lastAttempt} value={formatDuration(Math.max(0, tookMs))} />}
        <Fact name={words.cause} value={messages.actor(cause.actor)} />
        <Fact name={words.request} value={cause.correlationId} />
      </dl>
    </Stack>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </>
  );
}
