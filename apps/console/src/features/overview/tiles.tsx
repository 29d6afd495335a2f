import { Paper, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { IconAlertOctagon, IconAlertTriangle, IconCheck, IconHelpCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { waitingIn } from '../../api/live-updates.ts';
import { driftQuery, healthQuery, modeQuery, openAlertsQuery } from '../../api/queries.ts';
import { messages } from '../../app/messages.ts';
import { choiceOf, nameMode } from '../../app/mode-name.ts';
import { Time } from '../../app/time.tsx';
import classes from './overview.module.css';
import { findParity } from './parity.ts';

type State = 'well' | 'plain' | 'warning' | 'bad' | 'unknown';

const ICONS = {
  well: IconCheck,
  plain: null,
  warning: IconAlertTriangle,
  bad: IconAlertOctagon,
  unknown: IconHelpCircle,
} as const;

export function Tiles() {
  return (
    <section aria-label={messages.overview.tiles}>
      <SimpleGrid cols={{ base: 2, md: 3, lg: 5 }} spacing="sm">
        <ModeTile />
        <ParityTile />
        <QueueTile />
        <DeadLettersTile />
        <AlertsTile />
      </SimpleGrid>
    </section>
  );
}

function Tile(props: Head & { state: State; value: ReactNode; note: ReactNode }) {
  const Icon = ICONS[props.state];
  return (
    <Paper withBorder p="sm" className={classes.tile} data-state={props.state}>
      <Link {...props.link} className={classes.tileLink}>
        <Text size="sm" c="dimmed">
          {props.label}
        </Text>
        <Text fw={700} size="lg" className={classes.tileValue} component="div">
          {Icon !== null && <Icon size={20} aria-hidden className={classes.tileIcon} />}
          {props.value}
        </Text>
      </Link>
      <Text size="sm" c="dimmed" component="div" className={classes.tileNote}>
        {props.note}
      </Text>
    </Paper>
  );
}

interface Head {
  readonly label: string;
  readonly link: Pick<LinkProps, 'to' | 'search'>;
}

/** An answer that failed is not taken for one that is still to come. */
function NotKnown({ isError, ...head }: Head & { isError: boolean }) {
  if (!isError) return <Skeleton height={106} />;
  return (
    <Tile
      {...head}
      state="unknown"
      value={messages.overview.outOfDate}
      note={messages.overview.notAnswered}
    />
  );
}

function ModeTile() {
  const head: Head = { label: messages.overview.readers, link: { to: '/mode' } };
  const { data: mode, isError } = useQuery(modeQuery);
  if (mode === undefined) return <NotKnown {...head} isError={isError} />;
  const { lastChange } = mode;
  return (
    <Tile
      {...head}
      state={mode.stale ? 'bad' : choiceOf(mode) === 'cdn' && mode.cdnBaseUrl !== null ? 'plain' : 'warning'}
      value={`${nameMode(mode)}${mode.pinned ? `, ${messages.pinned}` : ''}`}
      note={
        lastChange === null ? (
          messages.overview.modeNeverChanged
        ) : (
          <>
            <Time at={lastChange.at} ago /> {messages.overview.modeBy(lastChange.actor, lastChange.cause)}
            <Text size="sm" truncate dir="auto" title={lastChange.reason}>
              {lastChange.reason}
            </Text>
          </>
        )
      }
    />
  );
}

const PARITY_STATES = { agree: 'well', differ: 'bad', unknown: 'unknown', none: 'unknown' } as const;

function ParityTile() {
  const head: Head = { label: messages.overview.parity, link: { to: '/drift' } };
  const { data, isError } = useQuery(driftQuery);
  if (data === undefined) return <NotKnown {...head} isError={isError} />;
  const { is, scan } = findParity(data.scans);
  return (
    <Tile
      {...head}
      state={data.openCount > 0 ? 'bad' : PARITY_STATES[is]}
      value={messages.overview.parityValue[is]}
      note={
        scan === null ? (
          messages.overview.parityNote.none
        ) : (
          <>
            {messages.overview.scanned} <Time at={scan.endedAt ?? scan.startedAt} ago />
            {data.openCount > 0 && <div>{messages.overview.openDrift(data.openCount)}</div>}
            {(scan.unsettled ?? 0) > 0 && (
              <div>{messages.overview.parityNote.unsettled(scan.unsettled ?? 0)}</div>
            )}
            {is === 'unknown' && <div>{messages.overview.parityNote.incomplete}</div>}
          </>
        )
      }
    />
  );
}

function QueueTile() {
  const head: Head = {
    label: messages.overview.queue,
    link: { to: '/replications', search: { status: 'queued,failed' } },
  };
  const { data, isError } = useQuery(healthQuery);
  if (data === undefined) return <NotKnown {...head} isError={isError} />;
  const waiting = waitingIn(data);
  return (
    <Tile
      {...head}
      state={(data.replications.failed ?? 0) > 0 ? 'warning' : waiting === 0 ? 'well' : 'plain'}
      value={waiting.toLocaleString()}
      note={
        data.oldestPendingAt === null ? (
          messages.overview.queueEmpty
        ) : (
          <>
            {messages.overview.oldest} <Time at={data.oldestPendingAt} ago />
          </>
        )
      }
    />
  );
}

function DeadLettersTile() {
  const head: Head = {
    label: messages.overview.deadLetters,
    link: { to: '/replications', search: { status: 'dead-letter' } },
  };
  const { data, isError } = useQuery(healthQuery);
  if (data === undefined) return <NotKnown {...head} isError={isError} />;
  const count = data.replications['dead-letter'] ?? 0;
  return (
    <Tile
      {...head}
      state={count === 0 ? 'well' : 'bad'}
      value={count.toLocaleString()}
      note={count === 0 ? messages.overview.deadLettersNone : messages.overview.deadLettersSome}
    />
  );
}

function AlertsTile() {
  const head: Head = {
    label: messages.overview.openAlerts,
    link: { to: '/alerts', search: { state: 'open' } },
  };
  const { data, isError } = useQuery(openAlertsQuery);
  if (data === undefined) return <NotKnown {...head} isError={isError} />;
  const critical = data.filter(({ severity }) => severity === 'critical').length;
  const note =
    data.length === 0
      ? messages.overview.alertsNone
      : critical > 0
        ? messages.overview.alertsCritical(critical)
        : messages.overview.alertsWarning;
  return (
    <Tile
      {...head}
      state={critical > 0 ? 'bad' : data.length > 0 ? 'warning' : 'well'}
      value={data.length.toLocaleString()}
      note={note}
    />
  );
}
