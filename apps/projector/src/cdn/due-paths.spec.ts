import { describe, expect, it } from '@jest/globals';
import type { DueReplication } from '@holdfast/catalog';
import { AT, path } from '@holdfast/domain/testing';
import { LocalDisk, published } from './cdn-spec.ts';
import { DuePaths } from './due-paths.ts';

const MINUTE_MS = 60_000;

const positionOf = (index: number): string => String(index).padStart(16, '0');

const dueOf = (index: number): DueReplication => ({
  path: path(`units/${index}.json`),
  version: 0,
  action: 'put',
  position: positionOf(index + 1),
  attempt: 1,
  queuedAt: AT,
  document: { sha256: '0', md5: '0', bytes: 1, contentType: 'application/json' },
  onCdn: null,
});

/** So many documents are published; their files are what the disk has of them. */
class Queue {
  now = Date.parse(AT);
  asked = 0;
  readonly disk = new LocalDisk();
  readonly #all: readonly DueReplication[];
  readonly paths: DuePaths;

  constructor(count: number) {
    this.#all = Array.from({ length: count }, (_, index) => dueOf(index));
    this.paths = new DuePaths({
      catalog: {
        checkpoint: positionOf(count),
        document: () => ({ version: 0 }) as never,
        replicationsDue: ({ limit, exclude }) => {
          this.asked += 1;
          return this.#all.filter((due) => !exclude.has(due.path)).slice(0, limit);
        },
      },
      content: this.disk,
      clock: { now: () => new Date(this.now), sleep: () => Promise.resolve() },
      settling: { mayGo: () => true },
    });
  }

  take(): string[] {
    return this.paths.take(1_000, () => true).map(({ due }) => due.path);
  }

  /** This one, while those before it are not. */
  materialise(index: number): void {
    this.disk.materialise(published(`units/${index}.json`, 'x'), 0, positionOf(0));
  }
}

describe('a local projector that stands still', () => {
  const given = (count: number): Queue => {
    const queue = new Queue(count);
    for (let minute = 0; minute < 60; minute += 1) {
      queue.take();
      queue.paths.refresh();
      queue.now += MINUTE_MS;
    }
    return queue;
  };

  it('does not make the whole queue wait in memory', () => {
    const queue = given(40_000);
    expect(queue.paths.waitingCount).toBeGreaterThan(10_000);
    expect(queue.paths.waitingCount).toBeLessThan(20_000);
  });

  it('does not make every event ask for the whole queue again', () => {
    const queue = given(5_000);
    queue.asked = 0;
    for (let event = 0; event < 100; event += 1) {
      queue.paths.refresh();
      queue.take();
      queue.now += 10;
    }
    expect(queue.asked).toBeLessThanOrEqual(2);
  });
});

describe('a clock that is set back', () => {
  it('does not keep what waits for its file from being looked for', () => {
    const queue = new Queue(100);
    queue.take();
    queue.take();
    queue.now -= 60 * MINUTE_MS;
    queue.materialise(0);
    expect(queue.take()).toEqual(['units/0.json']);
  });

  it('does not make what waits alone hold up others', () => {
    const queue = new Queue(3_000);
    queue.take();
    queue.now -= 60 * MINUTE_MS;
    queue.materialise(2_500);
    expect(queue.take()).toEqual(['units/2500.json']);
  });
});
