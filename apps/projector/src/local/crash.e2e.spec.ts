import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventStore, type NewEvent, systemClock } from '@holdfast/domain';
import { deleted, published, record, streamOf } from '@holdfast/domain/testing';
import { openEventStore } from '@holdfast/event-store';
import { IndexReader, liveGeneration, openContentReader, prepareDataDirectory } from '@holdfast/storage';
import { testEventStore } from '@holdfast/testing';
import { expectedTree, readTree, temporaryDirectory } from '@holdfast/storage/testing';
import { generationsOf, startLocalNode, until } from './testing/local-node.ts';

const SCRIPT = join(import.meta.dirname, 'testing/run-local-projector.ts');
const STEADY = 'steady/s.json';
const MINUTE = 60_000;

let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
let store: EventStore;
let child: ChildProcess | null = null;
beforeEach(async () => {
  directory = temporaryDirectory();
  dataDir = join(directory.path, 'data');
  prepareDataDirectory(dataDir);
  ({ store } = await openEventStore(testEventStore(dataDir), { clock: systemClock, createIfMissing: true }));
});
afterEach(async () => {
  await kill();
  await store.close();
  directory.remove();
});

const run = (...args: string[]): void => {
  child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, dataDir, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
};

async function kill(): Promise<void> {
  const running = child;
  child = null;
  if (running === null || running.exitCode !== null) return;
  const ended = new Promise((resolve) => running.once('exit', resolve));
  running.kill('SIGKILL');
  await ended;
}

/** Documents in many directories, each with a few versions, some deleted again. */
const rounds = (count: number): NewEvent[][] =>
  Array.from({ length: count }, (_, round) =>
    Array.from({ length: 100 }, (_, index) => {
      const path = `d${index % 10}/e${index % 3}/${index}.json`;
      return (index + round) % 7 === 0 && round > 0
        ? deleted(path)
        : published(path, JSON.stringify({ round, index, filling: 'x'.repeat(2_000) }));
    }),
  );

/** As the API does: many at once. */
const publishAll = (events: readonly NewEvent[]): Promise<unknown> =>
  Promise.all(events.map((event) => store.append(streamOf(event), [event], 'any')));

/** Reads one live file for as long as it runs, and counts when it is not there. */
function readSteadily(): { stop: () => Promise<{ reads: number; misses: number }> } {
  const counts = { reads: 0, misses: 0 };
  let isRunning = true;
  const reading = (async () => {
    while (isRunning) {
      try {
        readFileSync(join(dataDir, 'content', STEADY));
        counts.reads += 1;
      } catch {
        counts.misses += 1;
      }
      await new Promise(setImmediate);
    }
  })();
  return {
    stop: async () => {
      isRunning = false;
      await reading;
      return counts;
    },
  };
}

/** Until a temporary file is seen; or the last document is there, so there was none to be seen. */
async function untilAtWork(lastSha256: string): Promise<void> {
  const deadline = Date.now() + MINUTE;
  const reader = openContentReader({ dataDir });
  const isDone = (): boolean => reader.recorded(STEADY)?.sha256 === lastSha256;
  while (!hasTemporaries() && !isDone()) {
    if (Date.now() > deadline) throw new Error('Nothing was materialised.');
    await new Promise(setImmediate);
  }
  reader.close();
}

const hasTemporaries = (): boolean =>
  Array.from({ length: 30 }, (_, index) => join(dataDir, `content/d${index % 10}/e${index % 3}`)).some(
    (path) => existsSync(path) && readdirSync(path).some((name) => name.includes('.tmp.')),
  );

function intentsLeft(): number {
  const index = IndexReader.open(dataDir, liveGeneration(dataDir)!)!;
  const { length } = index.intentPositions();
  index.close();
  return length;
}

async function treeAfterRestart(): Promise<Record<string, string | null>> {
  const node = await startLocalNode({ store, dataDir });
  await node.projector.caughtUp();
  expect(node.lines.filter(({ level }) => level === 'error')).toEqual([]);
  await node.stop();
  return readTree(join(dataDir, 'content/'));
}

describe('kill -9', () => {
  it(
    'in the middle of materialising loses nothing, leaves nothing, and no reader ever misses a file',
    async () => {
      const history: NewEvent[] = [published(STEADY, '0')];
      await record(store, ...history);
      run();
      await until('it is there', () => existsSync(join(dataDir, 'content', STEADY)));
      await kill();
      const reader = readSteadily();
      let cutShort = 0;
      for (const [index, events] of rounds(10).entries()) {
        const overwrite = published(STEADY, String(index));
        history.push(...events, overwrite);
        const publishing = publishAll([...events, overwrite]);
        run();
        await untilAtWork(overwrite.data.sha256);
        await kill();
        await publishing;
        cutShort += intentsLeft();
      }
      // Otherwise no kill came between the steps of a change, and this has shown nothing.
      expect(cutShort).toBeGreaterThan(0);
      expect(await treeAfterRestart()).toEqual(expectedTree(history));
      const { reads, misses } = await reader.stop();
      expect(misses).toBe(0);
      expect(reads).toBeGreaterThan(100);
    },
    2 * MINUTE,
  );

  it(
    'in the middle of a replay leaves the live tree as it is, and what was begun is removed',
    async () => {
      const history: NewEvent[] = [published(STEADY, '0'), ...rounds(2).flat()];
      await publishAll(history);
      expect(await treeAfterRestart()).toEqual(expectedTree(history));
      const reader = readSteadily();
      for (let time = 1; time <= 6; time += 1) {
        const before = liveGeneration(dataDir);
        run('replay');
        const hasBegun = (): boolean => {
          const newest = generationsOf(dataDir)
            .filter((name) => /^\d+$/.test(name))
            .at(-1)!;
          const files = readdirSync(join(dataDir, 'generations', newest));
          return newest !== before && files.length >= time;
        };
        await until('a generation is being built', hasBegun);
        await kill();
        const extra = published(`extra/${time}.json`, String(time));
        await record(store, extra);
        history.push(extra);
        expect(await treeAfterRestart()).toEqual(expectedTree(history));
        expect(generationsOf(dataDir).length).toBeLessThanOrEqual(4);
      }
      const { misses } = await reader.stop();
      expect(misses).toBe(0);
    },
    2 * MINUTE,
  );
});
