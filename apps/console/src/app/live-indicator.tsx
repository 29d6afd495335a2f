import { Badge, Button, Group, Paper, Text, Tooltip } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { explainError } from '../api/problem.ts';
import { formatInstant } from './format.ts';
import { live, useLive } from './live-page.ts';
import { messages } from './messages.ts';
import classes from './live-indicator.module.css';
import { useNow } from './time.tsx';

const COLOURS = { connecting: 'gray', live: 'teal', paused: 'gray', down: 'red' } as const;
const BACK_SHOWN_MS = 5_000;

/** Whether what is shown is as of now; always in the head of the page. */
export function LiveIndicator() {
  const state = useLive();
  const why =
    state.is === 'down'
      ? explainError(state.error).detail
      : state.is === 'paused'
        ? messages.live.explainPaused
        : messages.live.explainLive;
  return (
    <Tooltip label={why} events={{ hover: true, focus: true, touch: true }}>
      <Badge
        color={COLOURS[state.is]}
        variant="outline"
        size="lg"
        tabIndex={0}
        className={classes.badge}
        data-state={state.is}
        leftSection={<span className={classes.dot} aria-hidden />}
      >
        {messages.live[state.is]}
      </Badge>
    </Tooltip>
  );
}

/** Lies over the page instead of moving it. */
export function LiveBanner() {
  const state = useLive();
  const now = useNow();
  const wasDown = useRef(false);
  const [isBack, setIsBack] = useState(false);
  useEffect(() => {
    if (state.is === 'down') wasDown.current = true;
    if (state.is !== 'live' || !wasDown.current) return;
    wasDown.current = false;
    setIsBack(true);
    const timer = setTimeout(() => setIsBack(false), BACK_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state.is]);
  return (
    <div className={classes.banner} role="status">
      {state.is === 'down' && (
        <Paper withBorder shadow="md" p="sm" className={classes.down}>
          <Group justify="space-between" gap="md">
            <Text size="sm" className={classes.text}>
              {messages.live.banner(formatInstant(state.since, now))}{' '}
              <span aria-hidden>
                {messages.live.retryIn(Math.ceil((state.retryAt.getTime() - now.getTime()) / 1_000))}
              </span>
            </Text>
            <Button size="xs" variant="default" onClick={live.connect}>
              {messages.live.retryNow}
            </Button>
          </Group>
        </Paper>
      )}
      {state.is === 'live' && isBack && (
        <Paper withBorder shadow="md" p="sm" className={classes.back}>
          <Text size="sm">{messages.live.back}</Text>
        </Paper>
      )}
    </div>
  );
}
