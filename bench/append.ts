import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newEventId, type NewEvent, parsePath, prepareDocument, systemClock } from '@holdfast/domain';
import { openSqliteEventStore } from '@holdfast/event-store';
import { makeDocument, round } from './measure.ts';
import type { Measured } from './run.ts';

const EVENTS = 4_000;
const METADATA = {
  correlationId: 'bench',
  causationId: 'bench',
  actor: 'bench',
  at: '2026-11-01T08:00:00.000Z',
};

/** Events a second, one writer after another against 64 at once, fsync on: what group commit is for. */
export async function measureAppend(): Promise<Measured[]> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-append-'));
  const store = await openSqliteEventStore({
    file: join(directory, 'events.db'),
    bellFile: join(directory, 'events.bell'),
    clock: systemClock,
    createIfMissing: true,
  });
  let next = 0;
  const appendOne = async (): Promise<void> => {
    next += 1;
    const path = parsePath(`units/u${next}.json`);
    const {
      body,
      warnings: _warnings,
      ...data
    } = prepareDocument({
      path,
      contentType: 'application/json',
      bytes: Buffer.from(makeDocument(next, 9_000)),
    });
    const event: NewEvent = {
      id: newEventId(),
      type: 'ContentPublished',
      data: { ...data, links: [] },
      body,
      metadata: METADATA,
    };
    await store.append(`content-${path}`, [event], 'none');
  };
  const rate = async (writers: number, count: number): Promise<number> => {
    const started = performance.now();
    let left = count;
    await Promise.all(
      Array.from({ length: writers }, async () => {
        while (left > 0) {
          left -= 1;
          await appendOne();
        }
      }),
    );
    return Math.round((count / (performance.now() - started)) * 1_000);
  };
  await rate(64, 500);
  const one = await rate(1, EVENTS / 4);
  const many = await rate(64, EVENTS);
  await store.close();
  rmSync(directory, { recursive: true, force: true });
  const ratio = round(many / one);
  return [
    {
      name: 'append, 64 writers',
      value: ratio,
      unit: 'x one by one',
      aim: '>= 5 x',
      met: ratio >= 5,
      detail: `${many}/s against ${one}/s, 9 KB bodies, documents prepared in the loop`,
    },
  ];
}
