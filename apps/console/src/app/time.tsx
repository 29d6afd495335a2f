import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { formatAgo, formatInstant, formatUtc } from './format.ts';
import { messages } from './messages.ts';
import classes from './time.module.css';

// One clock for all that is shown.
const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = new Date();
    listeners.forEach((tell) => tell());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export const useNow = (): Date => useSyncExternalStore(subscribe, () => now);

/**
 * An instant in the viewer's zone, or how long ago it was; on hover and focus the instant in both, with the UTC that
 * logs and other people use.
 */
export function Time({ at, ago = false }: { at: string; ago?: boolean }) {
  const current = useNow();
  const instant = new Date(at);
  const local = formatInstant(instant, current);
  const utc = messages.utc(formatUtc(instant));
  return (
    <Tooltip
      label={ago ? `${local} · ${utc}` : utc}
      events={{ hover: true, focus: true, touch: true }}
      withArrow
    >
      <time dateTime={at} tabIndex={0} className={classes.time}>
        {ago ? formatAgo(instant, current) : local}
      </time>
    </Tooltip>
  );
}
