import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Clock,
  CommandHandler,
  type EventData,
  type EventOf,
  type EventStore,
  initialMode,
  type Mode,
  MODE_STREAM,
  modeDecider,
  ModeWatch,
} from '@holdfast/domain';
import {
  faultyAppends,
  LOG_ID,
  ManualClock,
  METADATA,
  MemoryEventStore,
  newEvent,
  record,
} from '@holdfast/domain/testing';
import { Failover } from './failover.ts';
import { type FallbackSettings, lookAtFallback } from './look-at-fallback.ts';
import { startUnsteadyCdn, type UnsteadyCdn } from './testing/unsteady-cdn.ts';

const EVERY_MS = 5_000;
const CDN = 'https://cdn.example.org';
const AUTO: FallbackSettings = { failover: 'auto', cdnBaseUrl: CDN };
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

let cdn: UnsteadyCdn;
let memory: MemoryEventStore;
let clock: ManualClock;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  cdn = await startUnsteadyCdn(LOG_ID);
  memory = new MemoryEventStore();
  clock = new ManualClock();
  closers = [];
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
  await memory.close();
  await cdn.close();
});

interface Node {
  readonly failover: Failover;
  readonly mode: ModeWatch;
}

async function startNode(
  name = 'web-1',
  store: EventStore = memory,
  { timeoutMs = 60_000, by = clock }: { timeoutMs?: number; by?: Clock } = {},
): Promise<Node> {
  const mode = new ModeWatch({ store, clock });
  await mode.start(() => undefined);
  closers.push(() => mode.close());
  const commands = new CommandHandler({ store, clock });
  return {
    mode,
    failover: new Failover(
      {
        store,
        commands,
        // It is real, but for its own clock: the one of this spec jumps by seconds.
        mode: {
          get mode() {
            return mode.mode;
          },
          get lastChange() {
            return mode.lastChange;
          },
          isStale: false,
        },
        clock: by,
        log: quiet,
      },
      { node: name, logId: LOG_ID, cdnBaseUrl: cdn.baseUrl, timeoutMs },
    ),
  };
}

const changes = async (): Promise<EventOf<'ModeChanged'>[]> =>
  (await memory.readStream(MODE_STREAM, { maxCount: 1_000 })) as EventOf<'ModeChanged'>[];

const bySwitch = async (): Promise<string[]> =>
  (await changes()).map(({ data }) => `${data.cause} ${data.localFallback ? 'on' : 'off'}`);

/** So many probes, five seconds apart; the process hears of its own switches. */
async function probe(nodes: Node | readonly Node[], times: number): Promise<void> {
  const all = 'failover' in nodes ? [nodes] : nodes;
  for (let count = 0; count < times; count += 1) {
    await Promise.all(all.map(({ failover }) => failover.probeOnce(new AbortController().signal)));
    const last = (await changes()).at(-1);
    if (last) await Promise.all(all.map(({ mode }) => mode.reached(last.position)));
    clock.advance(EVERY_MS);
  }
}

async function operate(nodes: readonly Node[], data: Partial<EventData<'ModeChanged'>>): Promise<void> {
  const mode = nodes[0]?.mode.mode ?? initialMode;
  const event = newEvent({
    type: 'ModeChanged',
    data: { ...mode, cause: 'operator', reason: 'because', ...data },
  });
  const [appended] = await record(memory, event);
  for (const node of nodes) await node.mode.reached(appended!.position);
}

/** As the API does it. */
async function command(nodes: readonly Node[], fields: Partial<Mode>): Promise<void> {
  const { position } = await new CommandHandler({ store: memory, clock }).handle(
    MODE_STREAM,
    modeDecider,
    { type: 'ChangeMode', changes: fields, cause: 'operator', reason: 'because' },
    { metadata: METADATA },
  );
  for (const node of nodes) await node.mode.reached(position!);
}

describe('a CDN that goes away and comes back', () => {
  it('has its readers sent to the local origin, and back after ten good probes and a minute', async () => {
    const node = await startNode();
    await probe(node, 20);
    expect(await bySwitch()).toEqual([]);
    cdn.behave('fails');
    await probe(node, 2);
    expect(await bySwitch()).toEqual([]);
    await probe(node, 1);
    expect(await bySwitch()).toEqual(['probe on']);
    cdn.behave('good');
    await probe(node, 10);
    // Ten good ones in a row, but no minute yet.
    expect(await bySwitch()).toEqual(['probe on']);
    await probe(node, 3);
    expect(await bySwitch()).toEqual(['probe on', 'probe off']);
    const [on, off] = await changes();
    expect(on).toMatchObject({
      data: { cause: 'probe', cdnEnabled: true, localFallback: true },
      metadata: { actor: 'projector:web-1' },
    });
    expect(on?.data.reason).toMatch(/^3 of the last 5 probes of the CDN failed: .*answered 503$/);
    expect(off?.data.reason).toMatch(/^The last 10 probes of the CDN succeeded: /);
    expect(Date.parse(off!.metadata.at) - Date.parse(on!.metadata.at)).toBeGreaterThanOrEqual(60_000);
  });

  it('is told of while it lasts, whoever else changes the mode meanwhile', async () => {
    const node = await startNode();
    const lookout = lookAtFallback({ store: memory, mode: node.mode }, { failover: 'auto', cdnBaseUrl: CDN });
    const look = async () => (await lookout.look())[0]?.problem ?? null;
    expect(await look()).toBeNull();
    cdn.behave('object lost');
    await probe(node, 3);
    const [on] = await changes();
    const told = {
      severity: 'warning',
      message: expect.stringContaining(on!.data.reason),
      details: { since: on?.metadata.at },
    };
    expect(await look()).toMatchObject(told);
    await operate([node], { localBaseUrl: 'https://www.example.org' });
    expect(await look()).toMatchObject(told);
    cdn.behave('good');
    await probe(node, 14);
    expect(await look()).toBeNull();
    await operate([node], { localFallback: true });
    expect(await look()).toBeNull();
  });

  it.each<[string, Partial<Mode>, Partial<FallbackSettings>, string]>([
    ['comes back by itself', {}, {}, 'They are sent back when ten probes in a row succeed;'],
    [
      'is known by the mode’s URL alone',
      { cdnBaseUrl: CDN },
      { cdnBaseUrl: null },
      'They are sent back when',
    ],
    ['is pinned', { pinned: true }, {}, 'They stay there, as the mode is pinned:'],
    ['is probed by nobody', {}, { failover: 'off' }, 'They stay there, as HOLDFAST_FAILOVER is off:'],
    ['is disabled', { cdnEnabled: false }, {}, 'They stay there, as the CDN is disabled:'],
    ['has no URL', {}, { cdnBaseUrl: null }, 'They stay there, as no URL of the CDN is known:'],
  ])('is told of with what ends it where it %s', async (_, changed, settings, told) => {
    const node = await startNode();
    cdn.behave('fails');
    await probe(node, 3);
    await operate([node], changed);
    const ports = { store: memory, mode: node.mode };
    const lookout = lookAtFallback(ports, { failover: 'auto', cdnBaseUrl: CDN, ...settings });
    const [finding] = await lookout.look();
    expect(finding?.problem?.message).toContain(told);
  });

  it('goes on from what its predecessor decided', async () => {
    const first = await startNode();
    cdn.behave('fails');
    await probe(first, 3);
    cdn.behave('good');
    const second = await startNode('web-2');
    await probe(second, 13);
    expect(await bySwitch()).toEqual(['probe on', 'probe off']);
  });

  it('comes to one event for each switch with two nodes at once', async () => {
    const nodes = [await startNode('web-1'), await startNode('web-2')];
    cdn.behave('wrong bytes');
    await probe(nodes, 10);
    cdn.behave('good');
    await probe(nodes, 20);
    expect(await bySwitch()).toEqual(['probe on', 'probe off']);
  });
});

it('switches a few times an hour at most when the CDN flaps all the time', async () => {
  const node = await startNode();
  const anHour = 3_600_000 / EVERY_MS;
  // Three bad, then long enough good to be trusted again: the worst there is.
  for (let probes = 0; probes < anHour; probes += 16) {
    cdn.behave('fails');
    await probe(node, 3);
    cdn.behave('good');
    await probe(node, 13);
  }
  const switches = await bySwitch();
  expect(switches.length).toBeGreaterThan(2);
  // To the local origin and back takes 75 seconds at the least: a minute there, and three bad probes.
  expect(switches.length).toBeLessThanOrEqual(2 * (3_600 / 75));
  expect(switches.every((each, index) => each === (index % 2 === 0 ? 'probe on' : 'probe off'))).toBe(true);
}, 120_000);

it('of probes during which the process stood still, only every second one counts', async () => {
  const node = await startNode('web-1', memory, { timeoutMs: 50 });
  cdn.behave('hangs');
  for (let count = 1; count <= 6; count += 1) {
    expect(await bySwitch()).toEqual([]);
    const probed = probe(node, 1);
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    await probed;
  }
  expect(await bySwitch()).toEqual(['probe on']);
});

it('stays at the local origin while every second probe fails', async () => {
  const node = await startNode();
  for (let count = 0; count < 100; count += 1) {
    cdn.behave(count % 2 === 0 ? 'fails' : 'good');
    await probe(node, 1);
  }
  expect(await bySwitch()).toEqual(['probe on']);
}, 60_000);

describe('what an operator says', () => {
  it('holds while the mode is pinned', async () => {
    const node = await startNode();
    await operate([node], { pinned: true });
    cdn.behave('fails');
    await probe(node, 10);
    expect(await bySwitch()).toEqual(['operator off']);
  });

  it('is not undone: a fallback of theirs stays on', async () => {
    const node = await startNode();
    await operate([node], { localFallback: true });
    await probe(node, 40);
    expect(await bySwitch()).toEqual(['operator on']);
  });

  it('makes a fallback of the probe theirs when they ask for it too', async () => {
    const node = await startNode();
    cdn.behave('fails');
    await probe(node, 3);
    await command([node], { localFallback: true });
    await command([node], { localFallback: true });
    // A change of something else takes nothing back.
    await command([node], { localBaseUrl: 'https://www.example.org' });
    cdn.behave('good');
    await probe(node, 40);
    expect(await bySwitch()).toEqual(['probe on', 'operator on', 'operator on']);
    expect(await lookAtFallback({ store: memory, mode: node.mode }, AUTO).look()).toMatchObject([
      { problem: null },
    ]);
    await command([node], { localFallback: false });
    cdn.behave('fails');
    await probe(node, 3);
    cdn.behave('good');
    await probe(node, 13);
    expect((await bySwitch()).slice(3)).toEqual(['operator off', 'probe on', 'probe off']);
  });

  it('begins the count anew: what was bad before counts no more', async () => {
    const node = await startNode();
    cdn.behave('fails');
    await probe(node, 3);
    await operate([node], { localFallback: false });
    await probe(node, 2);
    expect(await bySwitch()).toEqual(['probe on', 'operator off']);
    await probe(node, 1);
    expect(await bySwitch()).toEqual(['probe on', 'operator off', 'probe on']);
  });

  it('leaves a fallback of the probe its own when it changes something else', async () => {
    const node = await startNode();
    cdn.behave('fails');
    await probe(node, 3);
    await operate([node], { localBaseUrl: 'https://www.example.org' });
    cdn.behave('good');
    await probe(node, 13);
    expect(await bySwitch()).toEqual(['probe on', 'operator on', 'probe off']);
  });

  it('asks nothing of a CDN that is disabled', async () => {
    const node = await startNode();
    await operate([node], { cdnEnabled: false });
    cdn.behave('fails');
    await probe(node, 5);
    expect([await bySwitch(), cdn.urls]).toEqual([['operator off'], []]);
  });

  it('is heard: the CDN that the mode names is probed', async () => {
    const node = await startNode();
    const other = await startUnsteadyCdn(LOG_ID);
    await operate([node], { cdnBaseUrl: other.baseUrl });
    await probe(node, 2);
    expect([cdn.urls.length, other.urls.length]).toEqual([0, 2]);
    await other.close();
  });
});

it('decides again with the next probe when the log did not take the switch', async () => {
  const { store, failAppend } = faultyAppends(memory);
  const node = await startNode('web-1', store);
  cdn.behave('fails');
  failAppend({ times: 4 });
  await probe(node, 2);
  const appended = probe(node, 1);
  // The command tries a few times by itself, with waits of this clock.
  const pushing = setInterval(() => clock.advance(50), 1);
  await expect(appended).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
  clearInterval(pushing);
  await probe(node, 1);
  expect(await bySwitch()).toEqual(['probe on']);
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('It did not come about.');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

it('probes on in five seconds when the clock is set back during a probe', async () => {
  let setBackMs = 0;
  const sleeps: number[] = [];
  const by: Clock = {
    now: () => new Date(clock.now().getTime() - setBackMs),
    sleep: (ms, signal) => {
      sleeps.push(ms);
      return clock.sleep(ms, signal);
    },
  };
  const node = await startNode('web-1', memory, { timeoutMs: 100, by });
  cdn.behave('hangs');
  node.failover.start();
  await until(() => cdn.urls.length === 1);
  setBackMs = 3_600_000;
  await until(() => sleeps.length === 1);
  await node.failover.close();
  expect(sleeps).toEqual([EVERY_MS]);
});

it('probes every five seconds until it is closed', async () => {
  const node = await startNode();
  node.failover.start();
  await until(() => cdn.urls.length === 1);
  await until(() => {
    clock.advance(EVERY_MS);
    return cdn.urls.length > 1;
  });
  await node.failover.close();
  const probes = cdn.urls.length;
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(cdn.urls).toHaveLength(probes);
});
