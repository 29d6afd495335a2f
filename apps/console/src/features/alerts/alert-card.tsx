import type { Alert } from '@holdfast/api/types';
import { Anchor, Badge, Code, Group, Paper, Text, Title } from '@mantine/core';
import { IconAlertOctagon, IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { formatDuration } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Records } from '../../app/records.tsx';
import { Time, useNow } from '../../app/time.tsx';
import { pageOf } from '../overview/troubles.ts';
import classes from './alerts.module.css';

const words = messages.alerts;

/** One time that a condition held: what, since when, what to do, and what the log says of it. */
export function AlertCard({ alert }: { alert: Alert }) {
  const { code, subject, severity, state, message, raisedAt, clearedAt, clearedBecause, details } = alert;
  const isOpen = state === 'open';
  const Icon = !isOpen ? IconCheck : severity === 'critical' ? IconAlertOctagon : IconAlertTriangle;
  const advice = messages.advice[code];
  const page = pageOf(code);
  return (
    <Paper
      component="article"
      withBorder
      p="md"
      className={classes.card}
      data-state={isOpen ? severity : 'past'}
    >
      <Group align="flex-start" wrap="nowrap" gap="sm">
        <Icon size={22} aria-hidden className={classes.icon} />
        <div className={classes.grow}>
          <Group gap="xs" justify="space-between" align="flex-start">
            <Title order={2} size="h4" className={classes.message}>
              {messages.conditions[code] ?? code}
            </Title>
            <Badge variant="outline" color={!isOpen ? 'gray' : severity === 'critical' ? 'red' : 'orange'}>
              {isOpen ? words.severity[severity] : words.cleared}
            </Badge>
          </Group>
          {isOpen && advice !== undefined && (
            <Text mt={4}>
              {advice}{' '}
              {page !== '/alerts' && (
                <Anchor component={Link} to={page}>
                  {messages.leadsTo(messages.pageNames[page])}
                </Anchor>
              )}
            </Text>
          )}
          <Text mt={4} c="dimmed" size="sm" dir="auto" className={classes.message}>
            {message}
          </Text>
          {clearedBecause !== null && (
            <Text mt={4} dir="auto">
              {clearedBecause}
            </Text>
          )}
          <Group gap="md" mt="xs" component="div">
            <Code>{code}</Code>
            {subject !== '-' && (
              <Text size="sm">
                {words.subject} <bdi>{subject}</bdi>
              </Text>
            )}
            <Text size="sm" component="div">
              {words.raised} <Time at={raisedAt} />
            </Text>
            <Lasted from={raisedAt} to={clearedAt} />
          </Group>
          <details className={classes.details}>
            <summary>{words.details}</summary>
            <Events alert={alert} />
            {Object.keys(details).length > 0 && (
              <pre className={classes.json} dir="auto" tabIndex={0}>
                {JSON.stringify(details, null, 2)}
              </pre>
            )}
          </details>
        </div>
      </Group>
    </Paper>
  );
}

function Lasted({ from, to }: { from: string; to: string | null }) {
  const now = useNow();
  const ms = (to === null ? now.getTime() : Date.parse(to)) - Date.parse(from);
  return (
    <Text size="sm">
      {to === null ? words.lasts : words.lasted} {formatDuration(Math.max(0, ms))}
    </Text>
  );
}

function Events({ alert: { events } }: { alert: Alert }) {
  if (events.length === 0) {
    return (
      <Text size="sm" mt="xs">
        {words.notRecorded}
      </Text>
    );
  }
  return (
    <Records
      label={words.events}
      rows={events}
      keyOf={({ position }) => position}
      columns={[
        { name: words.event, cell: ({ type }) => words.eventNames[type] ?? type },
        { name: words.eventAt, cell: ({ at }) => <Time at={at} /> },
        { name: words.eventBy, cell: ({ actor }) => <bdi>{messages.actor(actor)}</bdi> },
        { name: words.eventPosition, cell: ({ position }) => position },
      ]}
    />
  );
}
