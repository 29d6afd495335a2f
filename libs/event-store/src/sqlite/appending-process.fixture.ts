// Run by specs as a process of its own: `<log> <writers> <events> <pause ms>` appends events to the log, each
// writer to a stream of its own, and prints a line for each that is acknowledged: its id, and when it was (ns).
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NewEvent, newEventId, parsePath, systemClock } from '@holdfast/domain';
import { openSqliteEventStore } from './sqlite-event-store.ts';

const [file = '', writers = '1', events = '1', pauseMs = '0'] = process.argv.slice(2);
const metadata = {
  correlationId: 'fixture',
  causationId: 'fixture',
  actor: 'local',
  at: '2026-01-05T08:00:00.000Z',
};

const store = await openSqliteEventStore({
  file,
  bellFile: `${file}.bell`,
  clock: systemClock,
  createIfMissing: true,
});

async function write(writer: number): Promise<void> {
  const path = parsePath(`units/w${writer}.json`);
  for (let count = 0; count < Number(events); count += 1) {
    const event: NewEvent = {
      type: 'ContentDeleted',
      id: newEventId(),
      data: { path, reason: '' },
      metadata,
    };
    await store.append(`content-${process.pid}-${path}`, [event], count === 0 ? 'none' : count - 1);
    // Not through a stream: what is printed has left this process even if it is killed at once.
    writeSync(1, `${event.id} ${process.hrtime.bigint()}\n`);
    if (pauseMs !== '0') await sleep(Number(pauseMs));
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
await store.close();
