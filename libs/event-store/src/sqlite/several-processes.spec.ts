import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type EventStore, systemClock } from '@holdfast/domain';
import { deleted, eventually, idsOf, readWholeLog } from '@holdfast/domain/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteEventStore } from './sqlite-event-store.ts';

const APPENDER = fileURLToPath(new URL('./appending-process.fixture.ts', import.meta.url));

interface Acknowledged {
  readonly id: string;
  readonly at: bigint;
}

describe('several processes and one log', () => {
  let directory: string;
  let file: string;
  let children: ChildProcess[];

  const open = (): Promise<EventStore> =>
    openSqliteEventStore({ file, bellFile: `${file}.bell`, clock: systemClock, createIfMissing: true });

  /** Starts a process that appends; `acknowledged` grows by what it was told is stored. */
  const startAppending = (
    writers: number,
    events: number,
    pauseMs = 0,
  ): { child: ChildProcess; acknowledged: Acknowledged[]; ended: Promise<unknown> } => {
    const options = [writers, events, pauseMs].map(String);
    const child = spawn(process.execPath, [APPENDER, file, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const acknowledged: Acknowledged[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [id, at] = line.split(' ');
      if (id !== undefined && at !== undefined) acknowledged.push({ id, at: BigInt(at) });
    });
    return { child, acknowledged, ended: once(child, 'close') };
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-processes-'));
    file = join(directory, 'events.db');
    children = [];
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  it('hands a subscriber of one process what another appends', async () => {
    const store = await open();
    const stop = new AbortController();
    const seen = new Map<string, bigint>();
    const following = (async () => {
      for await (const { events } of store.subscribe({ after: null, signal: stop.signal })) {
        for (const { id } of events) seen.set(id, process.hrtime.bigint());
      }
    })();
    const { acknowledged, ended } = startAppending(1, 60, 5);
    await ended;
    await eventually('all events were seen', () => acknowledged.every(({ id }) => seen.has(id)));
    stop.abort();
    await following;
    await store.close();
    expect(acknowledged).toHaveLength(60);
    const delays = acknowledged
      .map(({ id, at }) => Number((seen.get(id) ?? 0n) - at) / 1e6)
      .sort((a, b) => a - b);
    const shown = [0.5, 0.9, 0.99].map(
      (part) => `${delays[Math.floor(part * delays.length)]?.toFixed(1)} ms`,
    );
    process.stderr.write(
      `From acknowledged in one process to seen in another: median, 90 %, 99 %: ${shown.join(', ')}\n`,
    );
  });

  it('lets processes append at once without refusing or losing anything', async () => {
    const store = await open();
    const others = [startAppending(16, 60), startAppending(16, 60)];
    const own = Array.from({ length: 16 }, async (_, writer) => {
      for (let count = 0; count < 60; count += 1) {
        await store.append(
          `content-own-${writer}`,
          [deleted('units/own.json')],
          count === 0 ? 'none' : count - 1,
        );
      }
    });
    await Promise.all([...own, ...others.map(({ ended }) => ended)]);
    expect(others.map(({ child }) => child.exitCode)).toEqual([0, 0]);
    const log = await readWholeLog(store, { filter: { types: ['ContentDeleted'] } });
    expect(log).toHaveLength(3 * 16 * 60);
    const ids = new Set(idsOf(log));
    expect(others.flatMap(({ acknowledged }) => acknowledged).filter(({ id }) => !ids.has(id))).toEqual([]);
    await store.close();
  });

  it('waits for a process that keeps the log locked, and goes on reading meanwhile', async () => {
    const store = await open();
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let isStored = false;
    const append = store.append('content-units/a.json', [deleted('units/a.json')], 'none').then(() => {
      isStored = true;
    });
    for (let reads = 0; reads < 100; reads += 1) await store.readLog({ after: null, maxCount: 10 });
    expect(isStored).toBe(false);
    other.exec('ROLLBACK');
    await append;
    other.close();
    await store.close();
  });

  it('keeps every acknowledged event when the process that appends is killed', async () => {
    const all: string[] = [];
    for (let round = 1; round <= 4; round += 1) {
      const { child, acknowledged, ended } = startAppending(8, 1_000_000);
      await eventually('events are acknowledged', () => acknowledged.length > 150 * round);
      child.kill('SIGKILL');
      await ended;
      all.push(...acknowledged.map(({ id }) => id));

      const store = await open();
      const ids = idsOf(await readWholeLog(store));
      expect(new Set(ids).size).toBe(ids.length);
      const stored = new Set(ids);
      expect(all.filter((id) => !stored.has(id))).toEqual([]);
      await store.append(`content-after-${round}`, [deleted('units/a.json')], 'none');
      await store.close();
    }
  });
});
