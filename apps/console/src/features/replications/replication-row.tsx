import type { Replication } from '@holdfast/api/types';
import { Anchor, Badge, Button, Checkbox, Code, Stack, Table, Text } from '@mantine/core';
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
import { useMayOperate } from '../../app/role.ts';
import { Time } from '../../app/time.tsx';
import { canRetry } from './replications.ts';
import classes from './replications.module.css';

const words = messages.replications;

const LOOKS = {
  'dead-letter': { color: 'red', Icon: IconAlertOctagon },
  failed: { color: 'orange', Icon: IconRefreshAlert },
  queued: { color: 'cyan', Icon: IconClock },
  success: { color: 'teal', Icon: IconCheck },
  superseded: { color: 'gray', Icon: IconArrowForward },
} as const;

export function ReplicationRow({
  row,
  isSelected,
  onSelect,
}: {
  row: Replication;
  isSelected: boolean;
  onSelect: (isSelected: boolean) => void;
}) {
  const [isOpen, setIsOpen] = useState(false);
  const mayOperate = useMayOperate();
  const { path, version, action, status, attempts, queuedAt, nextRetryAt, error } = row;
  const { color, Icon } = LOOKS[status];
  return (
    <>
      <Table.Tr>
        <Table.Td>
          {canRetry(row) && (
            <Checkbox
              checked={isSelected}
              disabled={!mayOperate}
              onChange={(event) => onSelect(event.currentTarget.checked)}
              aria-label={words.selectOf(path, version)}
            />
          )}
        </Table.Td>
        <Table.Td className={classes.path}>
          <Anchor renderRoot={(props) => <Link {...props} to="/documents/$" params={{ _splat: path }} />}>
            <bdi>{path}</bdi>
          </Anchor>
          <Text size="xs" c="dimmed">
            {words.versionAndAction(version, action)}
          </Text>
        </Table.Td>
        <Table.Td>
          <Badge variant="outline" color={color} leftSection={<Icon size={12} aria-hidden />}>
            {words.statuses[status]}
          </Badge>
          {error !== null && <Text size="xs">{words.errors[error.code] ?? error.code}</Text>}
        </Table.Td>
        <Table.Td>{attempts}</Table.Td>
        <Table.Td>
          <Time at={queuedAt} />
          {nextRetryAt !== null && (
            <Text size="xs" component="div">
              {words.nextRetry} <Time at={nextRetryAt} />
            </Text>
          )}
        </Table.Td>
        <Table.Td>
          <Button
            size="compact-xs"
            variant="default"
            aria-expanded={isOpen}
            aria-label={words.detailsOf(isOpen, path, version)}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? words.hide : words.show}
          </Button>
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td colSpan={6}>
            <Details row={row} />
          </Table.Td>
        </Table.Tr>
      )}
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
        <Fact name={words.cause} value={`${messages.by(cause.actor)}, ${cause.correlationId}`} />
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
