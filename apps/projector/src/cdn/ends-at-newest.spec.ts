// Guarantee 4: whatever becomes of single writes, the replica ends at the newest version of the path.
import { describe, expect, it } from '@jest/globals';
import { deleted } from '@holdfast/domain/testing';
import { CdnWorld, published } from './cdn-spec.ts';
import { type Fate, LateObjectStore, SETTLE_MS, TIMEOUT_MS } from './late-object-store.ts';

const PATH = 'units/a.json';
const STEP_MS = 5_000;
const BETWEEN_VERSIONS_MS = 10_000;
/** All that was sent has arrived, and the last retry of the schedule was made. */
const LONG_MS = 20 * 60_000;

const FATES: readonly Fate[] = [
  'answered',
  'answer lost',
  'never',
  { arrivesAfterMs: 15_000 },
  { arrivesAfterMs: TIMEOUT_MS + SETTLE_MS - 1_000 },
];

/** `-` deletes. */
const HISTORIES = ['AB', 'ABA', 'A-', 'A-B', 'A-A', 'AB-'];

interface Case {
  readonly history: string;
  readonly fates: readonly Fate[];
  readonly hasConditions: boolean;
  /** The projector is killed so long after the start, and another takes over at once; null: it lives. */
  readonly killedAfterMs: number | null;
}

function* casesOf(history: string, hasConditions: boolean): Generator<Case> {
  for (const first of FATES) {
    for (const second of FATES) {
      for (const killedAfterMs of [null, 1_000, BETWEEN_VERSIONS_MS + 1_000, TIMEOUT_MS + 11_000]) {
        // A write whose sender is gone has its connection cut with it: it arrives within the settling time of then.
        const fates = [first, second].map((fate) =>
          killedAfterMs !== null && typeof fate === 'object'
            ? { arrivesAfterMs: Math.min(fate.arrivesAfterMs, SETTLE_MS - 1_000) }
            : fate,
        );
        yield { history, fates, hasConditions, killedAfterMs };
      }
    }
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** @returns what is wrong at the end; null: nothing */
async function play({ history, fates, hasConditions, killedAfterMs }: Case): Promise<string | null> {
  const late: { store?: LateObjectStore } = {};
  const world: CdnWorld = new CdnWorld((inner, clock) => {
    late.store = new LateObjectStore(inner, { clock, key: PATH, fates, hasConditions });
    return late.store;
  });
  try {
    await world.start();
    await turns();
    const versions = [...history];
    for (let ms = 0; ms <= LONG_MS; ms += STEP_MS) {
      if (ms % BETWEEN_VERSIONS_MS === 0 && versions.length > 0) {
        const next = versions.shift()!;
        await world.given(next === '-' ? deleted(PATH) : published(PATH, next));
      }
      await turns();
      if (killedAfterMs !== null && ms <= killedAfterMs && killedAfterMs < ms + STEP_MS) {
        await world.stop();
        await world.start();
        await turns();
      }
      world.clock.advance(STEP_MS);
      const isOver = versions.length === 0 && late.store!.onTheirWay === 0 && ms > 4 * SETTLE_MS;
      if (isOver && world.projector.status().pending === 0) break;
    }
    await world.settled();
    const last = history.at(-1)!;
    const objects = await world.objects();
    const expected = last === '-' ? {} : { [PATH]: last };
    if (JSON.stringify(objects) !== JSON.stringify(expected)) return `holds ${JSON.stringify(objects)}`;
    const told = await world.lastOutcome(PATH);
    if (told?.type !== 'ContentReplicated' || told.data.version !== history.length - 1) {
      return `is told to be at ${JSON.stringify(told?.data)}`;
    }
    return null;
  } finally {
    await world.dispose();
  }
}

describe.each([true, false])('a bucket with conditional puts: %s', (hasConditions) => {
  it.each(HISTORIES)(
    'ends at the newest version of %s, whatever becomes of two writes and whenever the projector is killed',
    async (history) => {
      const wrong: unknown[] = [];
      for (const one of casesOf(history, hasConditions)) {
        const problem = await play(one);
        if (problem !== null) wrong.push({ ...one, problem });
      }
      expect(wrong).toEqual([]);
    },
    120_000,
  );
});
