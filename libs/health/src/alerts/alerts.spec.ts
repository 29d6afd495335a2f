import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alertStream, type EventStore, HoldfastError, type RecordedEvent } from '@holdfast/domain';
import { faultyAppends, ManualClock, MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import type { Alert } from './alert.ts';
import { Alerts } from './alerts.ts';
import type { Notice, Notifier } from './notice.ts';

const DISK = { code: 'DISK_LOW', subject: 'web-1/data' } as const;
const DISK_LOW: Alert = { ...DISK, severity: 'critical', message: 'Little is free.', details: { free: 1 } };
const CDN = { code: 'CDN_UNREACHABLE', subject: '-' } as const;
const CDN_AWAY: Alert = { ...CDN, severity: 'critical', message: 'No answer.', details: {} };
const ACTOR = 'projector:web-1';
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** A way of telling that a test switches off and on. */
class Postman implements Notifier {
  readonly name: string;
  readonly maxCount: number;
  readonly told: Notice[] = [];
  isAway = false;
  /** Of which alerts it takes no notice, nor what comes with one. */
  refuses: Alert['code'] | null = null;
  attempts = 0;
  /** Subjects, each time. */
  readonly refused: string[] = [];

  constructor(name: string, maxCount = 50) {
    this.name = name;
    this.maxCount = maxCount;
  }

  async deliver(notices: readonly Notice[]): Promise<void> {
    this.attempts += 1;
    if (this.isAway) throw new HoldfastError('NOTIFIER_UNAVAILABLE', `${this.name} does not answer.`);
    if (notices.some(({ alert }) => alert.code === this.refuses)) {
      this.refused.push(...notices.map(({ alert }) => alert.subject));
      throw new HoldfastError('NOTIFIER_REFUSED', `${this.name} does not take ${this.refuses}.`);
    }
    await Promise.resolve();
    this.told.push(...notices);
  }

  get heard(): string[] {
    return this.told.map(({ kind, alert, folded }) => `${kind} ${alert.code}${folded ? ` +${folded}` : ''}`);
  }
}

let directory: string;
let file: string;
let clock: ManualClock;
let log: MemoryEventStore;
let faults: ReturnType<typeof faultyAppends>;
let mail: Postman;
let hook: Postman;
let said: string[];
let alerts: Alerts;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-alerts-'));
  file = join(directory, 'alerts.db');
  clock = new ManualClock();
  log = new MemoryEventStore();
  faults = faultyAppends(log);
  mail = new Postman('email');
  hook = new Postman('webhook', 1);
  said = [];
  start();
});

afterEach(async () => {
  await alerts.close();
  await log.close();
  rmSync(directory, { recursive: true });
});

function start(options: { store?: EventStore | null; actor?: string; at?: string } = {}): void {
  const say = (_: object, message: string) => {
    said.push(message);
  };
  alerts = new Alerts({
    file: options.at ?? file,
    actor: options.actor ?? ACTOR,
    notifiers: [mail, hook],
    clock,
    log: { info: say, warn: say, error: say },
    random: () => 1,
  });
  alerts.start();
  const store = options.store === undefined ? faults.store : options.store;
  if (store !== null) alerts.recordIn(store);
}

async function restart(options: Parameters<typeof start>[0] = {}): Promise<void> {
  await alerts.close();
  start(options);
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const recorded = (which: { code: Alert['code']; subject: string } = DISK): Promise<RecordedEvent[]> =>
  log.readStream(alertStream(which.code, which.subject), { maxCount: 1_000 });
const types = async (which?: { code: Alert['code']; subject: string }): Promise<string[]> =>
  (await recorded(which)).map(({ type }) => type);
const allTold = (): Promise<void> =>
  until('everybody to be told', () => alerts.status().channels.every(({ waiting }) => waiting === 0));
/** As another process does after a takeover, whose clock may be ahead or behind. */
async function clearElsewhere(aheadMs = 0): Promise<void> {
  const event = newEvent({ type: 'AlertCleared', data: { ...CDN, message: 'It is back.' } });
  const at = new Date(clock.now().getTime() + aheadMs).toISOString();
  await record(log, { ...event, metadata: { ...event.metadata, actor: 'projector:web-2', at } });
}
/** Time passes in steps that let what sleeps go on. */
async function pass(ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('an alert', () => {
  it('is told once by every way when it begins, and once when it ends', async () => {
    for (let look = 0; look < 100; look += 1) alerts.raise({ ...DISK_LOW, details: { free: look } });
    await allTold();
    for (let look = 0; look < 100; look += 1) alerts.clear(DISK, 'There is room again.');
    await allTold();
    expect(mail.heard).toEqual(['raised DISK_LOW', 'cleared DISK_LOW']);
    expect(hook.heard).toEqual(mail.heard);
    expect(await recorded()).toMatchObject([
      { type: 'AlertRaised', data: { ...DISK_LOW, details: { free: 0 } }, metadata: { actor: ACTOR } },
      { type: 'AlertCleared', data: { ...DISK, message: 'There is room again.' } },
    ]);
    expect(alerts.status()).toMatchObject({ raised: [], unkept: null });
  });

  it('holds with its latest details until it is cleared', async () => {
    alerts.raise(DISK_LOW);
    alerts.raise({ ...DISK_LOW, details: { free: 0 } });
    alerts.raise(CDN_AWAY);
    expect(alerts.status().raised).toEqual([
      { ...DISK_LOW, details: { free: 0 }, raisedAt: clock.now().toISOString() },
      { ...CDN_AWAY, raisedAt: clock.now().toISOString() },
    ]);
    await allTold();
  });

  it('is of one subject: another is another alert', async () => {
    alerts.raise(DISK_LOW);
    alerts.raise({ ...DISK_LOW, subject: 'web-1/log' });
    alerts.clear(DISK);
    await allTold();
    expect(mail.heard).toEqual(['raised DISK_LOW', 'raised DISK_LOW', 'cleared DISK_LOW']);
    expect(alerts.status().raised).toMatchObject([{ subject: 'web-1/log' }]);
  });

  it('is in the log as it is by now, ten minutes later at the latest, and nobody is called for that', async () => {
    alerts.raise(DISK_LOW);
    await allTold();
    for (let look = 1; look <= 40; look += 1) {
      alerts.raise({ ...DISK_LOW, message: `${look} MiB are free.` });
      await pass(60_000, 15_000);
    }
    await allTold();
    const messages = (await recorded()).map(({ data }) => (data as Alert).message);
    expect(messages).toHaveLength(5);
    expect(messages.at(-1)).toBe('40 MiB are free.');
    expect(await types()).toEqual(Array.from({ length: 5 }, () => 'AlertRaised'));
    expect(mail.heard).toEqual(['raised DISK_LOW']);
    await restart();
    await pass(60_000, 15_000);
    await allTold();
    expect(await types()).toHaveLength(5);
    alerts.clear(DISK);
    await allTold();
    expect((await types()).slice(-2)).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('that becomes critical is told at once', async () => {
    alerts.raise({ ...DISK_LOW, severity: 'warning' });
    await allTold();
    alerts.raise({ ...DISK_LOW, severity: 'critical', message: 'The reserve is in use.' });
    await allTold();
    expect(mail.told.map(({ kind, alert }) => `${kind}: ${alert.message}`)).toEqual([
      `raised: ${DISK_LOW.message}`,
      'reminder: The reserve is in use.',
    ]);
    expect((await recorded()).at(-1)).toMatchObject({ data: { severity: 'critical' } });
    alerts.raise({ ...DISK_LOW, severity: 'warning' });
    await allTold();
    expect(mail.told).toHaveLength(2);
  });

  it('is told again after a day, and every day, but not in the log', async () => {
    alerts.raise(DISK_LOW);
    await allTold();
    await pass(DAY_MS - HOUR_MS / 2, HOUR_MS / 2);
    expect(mail.heard).toEqual(['raised DISK_LOW']);
    await pass(2 * DAY_MS, HOUR_MS / 2);
    await allTold();
    expect(mail.heard).toEqual(['raised DISK_LOW', 'reminder DISK_LOW', 'reminder DISK_LOW']);
    expect(await types()).toEqual(['AlertRaised']);
  });

  it('that comes and goes all the time is told a few times an hour, and nothing of it is lost', async () => {
    for (let round = 0; round < 100; round += 1) {
      alerts.raise(DISK_LOW);
      await pass(5_000, 5_000);
      alerts.clear(DISK);
      await pass(5_000, 5_000);
    }
    expect(mail.told).toHaveLength(6);
    await pass(HOUR_MS, 60_000);
    await allTold();
    expect(mail.heard.slice(6)).toEqual(['raised DISK_LOW', 'cleared DISK_LOW +192']);
  });

  it('that comes and goes all the time is told the log a few times in ten minutes, and as it is in the end', async () => {
    for (let look = 0; look < 360; look += 1) {
      alerts.raise(DISK_LOW);
      await pass(5_000, 5_000);
      alerts.clear(DISK);
      await pass(5_000, 5_000);
    }
    alerts.raise({ ...DISK_LOW, message: 'In the end.' });
    await pass(10 * 60_000, 15_000);
    expect((await recorded()).length).toBeLessThanOrEqual(7 * 8);
    expect((await recorded()).at(-1)).toMatchObject({
      type: 'AlertRaised',
      data: { message: 'In the end.' },
    });
  });

  it('that no log would take as it is, is told as far as it can be', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    alerts.raise({
      ...DISK_LOW,
      subject: 'x'.repeat(300),
      message: 'm'.repeat(3_000),
      details: circular as never,
    });
    await allTold();
    expect(await types({ ...DISK, subject: 'x'.repeat(200) })).toEqual(['AlertRaised']);
    expect(alerts.status().raised).toMatchObject([{ message: 'm'.repeat(2_000), details: {} }]);
    alerts.clear({ ...DISK, subject: 'x'.repeat(300) });
    expect(alerts.status().raised).toEqual([]);
  });

  it('of a process that must end is told before it does, for ten seconds at most', async () => {
    await restart({ store: null });
    const alert: Alert = {
      code: 'LOG_MISMATCH',
      subject: 'web-1/api',
      severity: 'critical',
      message: 'It does not start.',
      details: {},
    };
    mail.isAway = true;
    let hasEnded = false;
    const ending = alerts.raiseAtEnd(alert).then(() => {
      hasEnded = true;
    });
    await until('the hook', () => hook.heard.length === 1);
    await pass(9_000, 50);
    expect(hasEnded).toBe(false);
    await pass(1_100, 50);
    await ending;
    expect(mail.heard).toEqual([]);
    mail.isAway = false;
    await restart({ store: null });
    await until('the mail', () => mail.heard.length === 1);
    expect(mail.heard).toEqual(['raised LOG_MISMATCH']);
  });
});

describe('a way of telling that is away', () => {
  it('holds up no other, is visible, is asked less and less often, and loses nothing', async () => {
    mail.isAway = true;
    alerts.raise(DISK_LOW);
    await until('the webhook', () => hook.told.length === 1);
    alerts.clear(DISK);
    alerts.raise(CDN_AWAY);
    await until('the log', async () => (await types(CDN)).length === 1);
    await until('the webhook', () => hook.told.length === 3);
    const failing = alerts.status().channels.find(({ name }) => name === 'email');
    expect(failing).toEqual({
      name: 'email',
      waiting: 3,
      oldestWaitingAt: clock.now().toISOString(),
      failingSince: clock.now().toISOString(),
      error: { code: 'NOTIFIER_UNAVAILABLE', message: 'email does not answer.' },
    });
    await pass(10 * 60_000, 1_000);
    // 1, 2, 4, 8, 16, 32 seconds, then every minute.
    expect(mail.attempts).toBeGreaterThanOrEqual(14);
    expect(mail.attempts).toBeLessThanOrEqual(17);
    expect(said.filter((line) => line.includes('email does not answer'))).toHaveLength(1);
    mail.isAway = false;
    await pass(60_000, 1_000);
    await allTold();
    expect(mail.heard).toEqual(['raised DISK_LOW', 'cleared DISK_LOW', 'raised CDN_UNREACHABLE']);
    expect(alerts.status().channels).toMatchObject([{ error: null }, { error: null }, { error: null }]);
  });

  it('keeps few notices of one alert, and they say for how many they stand', async () => {
    mail.isAway = true;
    for (let round = 0; round < 1_000; round += 1) {
      alerts.raise(DISK_LOW);
      alerts.clear(DISK);
    }
    expect(alerts.status().channels.every(({ waiting }) => waiting <= 3)).toBe(true);
    mail.isAway = false;
    await pass(2 * HOUR_MS, 60_000);
    await allTold();
    const stoodFor = mail.told.reduce((sum, { folded }) => sum + folded + 1, 0);
    expect([stoodFor, mail.heard.at(-1)]).toEqual([2_000, expect.stringMatching(/^cleared/)]);
    expect((await types()).at(-1)).toBe('AlertCleared');
  });
});

describe('a way of telling that refuses one alert', () => {
  const SCAN: Alert = { ...DISK_LOW, code: 'SCAN_OVERDUE', subject: 'web-1/full' };

  it.each([
    ['one by one', () => hook],
    ['in batches', () => mail],
  ])('%s is told the others, and it too when it takes it, in its order', async (_, get) => {
    const way = get();
    way.isAway = true;
    way.refuses = 'DISK_LOW';
    alerts.raise(DISK_LOW);
    alerts.raise(CDN_AWAY);
    alerts.clear(DISK);
    await until('a failure', () => way.attempts > 0);
    way.isAway = false;
    await pass(HOUR_MS, 30_000);
    expect(way.heard).toEqual(['raised CDN_UNREACHABLE']);
    alerts.raise(SCAN);
    await pass(60_000, 1_000);
    expect(way.heard).toEqual(['raised CDN_UNREACHABLE', 'raised SCAN_OVERDUE']);
    await restart();
    expect(alerts.status().channels.find(({ name }) => name === way.name)).toMatchObject({ waiting: 2 });
    way.refuses = null;
    await pass(60_000, 1_000);
    await allTold();
    expect(way.heard.slice(2)).toEqual(['raised DISK_LOW', 'cleared DISK_LOW']);
  });

  it('is asked for each that it refused, in turn', async () => {
    hook.refuses = 'DISK_LOW';
    alerts.raise(DISK_LOW);
    await until('the first', () => hook.attempts === 1);
    await pass(100, 100);
    alerts.raise({ ...DISK_LOW, subject: 'web-1/log' });
    await until('the log', async () => (await types({ ...DISK, subject: 'web-1/log' })).length === 1);
    await pass(6_500, 500);
    expect(hook.refused).toEqual(['web-1/data', 'web-1/log', 'web-1/data']);
    expect(alerts.status().channels.find(({ name }) => name === 'webhook')).toMatchObject({
      waiting: 2,
      oldestWaitingAt: alerts.status().raised[0]?.raisedAt,
    });
  });
});

describe('a log that is away', () => {
  it('is told everything in order when it is back, while people hear of it at once', async () => {
    faults.failAppend({ times: Infinity });
    alerts.raise(DISK_LOW);
    await until('the mail', () => mail.told.length === 1);
    alerts.clear(DISK);
    await until('the mail', () => mail.told.length === 2);
    expect(await types()).toEqual([]);
    faults.heal();
    await pass(60_000, 1_000);
    await allTold();
    expect(await types()).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('that took an event and lost its answer has it once', async () => {
    faults.failAppend({ lose: 'answer' });
    alerts.raise(DISK_LOW);
    await until('the append', async () => (await types()).length === 1);
    await pass(5_000, 1_000);
    await allTold();
    expect(await types()).toEqual(['AlertRaised']);
  });

  it('that nothing may be appended to is left alone', async () => {
    await restart({ store: null });
    alerts.raise(DISK_LOW);
    await until('the mail', () => mail.told.length === 1);
    await pass(60_000, 1_000);
    expect(await types()).toEqual([]);
    expect(alerts.status().channels).toMatchObject([{}, {}, { name: 'log', waiting: 1, error: null }]);
  });
});

describe('a restart', () => {
  it('forgets neither what holds nor what was not told', async () => {
    mail.isAway = true;
    faults.failAppend({ times: Infinity });
    alerts.raise(DISK_LOW);
    await until('the webhook', () => hook.told.length === 1);
    await alerts.close();
    mail.isAway = false;
    faults.heal();
    start();
    expect(alerts.status().raised).toMatchObject([DISK_LOW]);
    alerts.raise(DISK_LOW);
    await allTold();
    expect([mail.heard, hook.heard]).toEqual([['raised DISK_LOW'], ['raised DISK_LOW']]);
    expect(await types()).toEqual(['AlertRaised']);
    alerts.clear(DISK);
    await allTold();
    expect(await types()).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('with its file lost clears in the log what it finds gone, and raises once what it finds again', async () => {
    alerts.raise(DISK_LOW);
    alerts.raise(CDN_AWAY);
    await allTold();
    await restart({ at: join(directory, 'other.db') });
    alerts.clear(DISK);
    alerts.raise(CDN_AWAY);
    await allTold();
    expect(await types()).toEqual(['AlertRaised', 'AlertCleared']);
    expect(await types(CDN)).toEqual(['AlertRaised']);
  });

  it('with another recipient tells that one once of what holds, and nobody else again', async () => {
    mail.isAway = true;
    alerts.raise(DISK_LOW);
    alerts.raise(CDN_AWAY);
    alerts.clear(CDN);
    await until('the webhook', () => hook.told.length === 3);
    const { raisedAt } = alerts.status().raised[0]!;
    await alerts.close();
    clock.advance(60_000);
    mail = new Postman('email to the right address');
    start();
    await allTold();
    await restart();
    await allTold();
    expect(mail.told).toMatchObject([
      { kind: 'reminder', alert: DISK_LOW, at: clock.now().toISOString(), raisedAt },
    ]);
    expect(hook.told).toHaveLength(3);
  });

  it('with its file damaged goes on', async () => {
    await alerts.close();
    writeFileSync(file, 'no database at all'.repeat(1_000));
    start();
    alerts.raise(DISK_LOW);
    await allTold();
    expect(alerts.status().unkept).toBeNull();
  });
});

describe('a file that cannot be opened', () => {
  it('costs no alert, is said once, and is written as soon as it can be', async () => {
    const below = join(directory, 'not', 'there');
    const at = join(below, 'alerts.db');
    mail.isAway = true;
    await restart({ at });
    alerts.raise(DISK_LOW);
    alerts.raise(CDN_AWAY);
    await until('the webhook', () => hook.told.length === 2);
    expect(alerts.status().unkept).toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
    expect(said.filter((line) => line.includes('memory only'))).toHaveLength(1);
    mkdirSync(below, { recursive: true });
    await pass(20_000, 10_000);
    expect(alerts.status().unkept).toBeNull();
    await restart({ at });
    expect(alerts.status().raised).toMatchObject([DISK_LOW, CDN_AWAY]);
    mail.isAway = false;
    await pass(60_000, 1_000);
    await allTold();
    expect(mail.heard).toEqual(['raised DISK_LOW', 'raised CDN_UNREACHABLE']);
  });
});

describe('several processes', () => {
  it('clear what is another’s only where there is one of it in the whole system', async () => {
    await record(log, newEvent({ type: 'AlertRaised', data: DISK_LOW }));
    await record(log, newEvent({ type: 'AlertRaised', data: CDN_AWAY }));
    alerts.clear(DISK);
    alerts.clear(CDN);
    await allTold();
    expect(await types()).toEqual(['AlertRaised']);
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared']);
    expect(mail.heard).toEqual(['cleared CDN_UNREACHABLE']);
  });

  it('tell people once that it is over what another has raised, also where the log lost its answer', async () => {
    const raised = newEvent({ type: 'AlertRaised', data: CDN_AWAY });
    await record(log, raised);
    faults.failAppend({ lose: 'answer' });
    alerts.clear(CDN, 'It is back.');
    await pass(5_000, 1_000);
    await restart();
    alerts.clear(CDN, 'It is back.');
    await allTold();
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared']);
    expect(mail.told).toMatchObject([
      {
        id: (await recorded(CDN)).at(-1)?.id,
        kind: 'cleared',
        alert: { ...CDN_AWAY, message: 'It is back.' },
        raisedAt: raised.metadata.at,
      },
    ]);
    expect(hook.told).toEqual(mail.told);
    expect(mail.told).not.toHaveProperty('0.isDoubtful');
  });

  it('clear after a takeover that a node is silent, whoever missed it', async () => {
    const silent = { code: 'NODE_SILENT', subject: 'web-3' } as const;
    const data = { ...silent, severity: 'critical', message: 'Nothing is heard.', details: {} } as const;
    await record(log, newEvent({ type: 'AlertRaised', data }));
    alerts.clear(silent);
    await allTold();
    expect(await types(silent)).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it.each([
    ['tells the same time', 0],
    ['is ahead', HOUR_MS],
    ['is a little behind', -6_000],
    ['is behind', -HOUR_MS],
  ])('do not remind of what another, whose clock %s, has found gone', async (_, aheadMs) => {
    alerts.raise(CDN_AWAY);
    await allTold();
    clock.advance(10_000);
    alerts.raise(CDN_AWAY);
    clock.advance(1_000);
    await clearElsewhere(aheadMs);
    await pass(2 * DAY_MS, HOUR_MS);
    expect(alerts.status().raised).toEqual([]);
    expect(mail.heard).toEqual(['raised CDN_UNREACHABLE']);
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it.each([
    ['is taken over again', 0],
    ['is taken over two days later', 2 * DAY_MS],
    ['is watched by this one meanwhile', 0],
    ['is met after a restart', 0],
  ])('tell anew of what another found gone, and what %s', async (what, afterMs) => {
    alerts.raise(CDN_AWAY);
    await allTold();
    clock.advance(1_000);
    await clearElsewhere();
    await pass(afterMs, HOUR_MS);
    if (what.includes('taken over')) alerts.takeOver();
    if (what.includes('restart')) await restart();
    for (let look = 0; look < 6; look += 1) {
      alerts.raise(CDN_AWAY);
      await pass(5_000, 5_000);
    }
    await allTold();
    expect(mail.heard).toEqual(['raised CDN_UNREACHABLE', 'raised CDN_UNREACHABLE']);
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared', 'AlertRaised']);
    expect(alerts.status().raised).toMatchObject([{ raisedAt: (await recorded(CDN)).at(-1)!.metadata.at }]);
  });

  it('tell nobody that it is over what has begun again while the log was away', async () => {
    await record(log, newEvent({ type: 'AlertRaised', data: CDN_AWAY }));
    await restart({ store: null });
    alerts.clear(CDN);
    alerts.raise(CDN_AWAY);
    await until('the mail', () => mail.told.length === 1);
    alerts.recordIn(log);
    await allTold();
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared', 'AlertRaised']);
    expect(mail.heard).toEqual(['raised CDN_UNREACHABLE']);
  });

  it('find what another raised late, after they found it gone, and clear it', async () => {
    for (let look = 0; look < 12; look += 1) {
      alerts.clear(CDN);
      if (look === 6) await record(log, newEvent({ type: 'AlertRaised', data: CDN_AWAY }));
      await pass(60_000, 15_000);
    }
    await allTold();
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared']);
    expect(mail.heard).toEqual(['cleared CDN_UNREACHABLE']);
  });

  it('that take turns tell people once of each beginning and each end', async () => {
    const one = alerts;
    start({ at: join(directory, 'other.db'), actor: 'projector:web-2' });
    const other = alerts;
    for (const [raising, clearing] of [
      [one, other],
      [other, one],
      [one, other],
    ] as const) {
      raising.takeOver();
      raising.raise(CDN_AWAY);
      await pass(2_000, 1_000);
      clearing.takeOver();
      clearing.clear(CDN);
      await pass(2_000, 1_000);
    }
    await pass(2 * DAY_MS, HOUR_MS);
    await one.close();
    const turn = ['raised CDN_UNREACHABLE', 'cleared CDN_UNREACHABLE'];
    expect(mail.heard).toEqual([...turn, ...turn, ...turn]);
    expect(await types(CDN)).toHaveLength(6);
  });

  it('go on with what another has not found gone', async () => {
    alerts.raise(CDN_AWAY);
    await allTold();
    await restart();
    alerts.raise(CDN_AWAY);
    await pass(30_000, 15_000);
    expect(alerts.status().raised).toMatchObject([CDN_AWAY]);
    expect(mail.heard).toEqual(['raised CDN_UNREACHABLE']);
  });

  it('clear after a takeover what another has raised since they said that it is gone', async () => {
    alerts.clear(CDN);
    await allTold();
    await record(log, newEvent({ type: 'AlertRaised', data: CDN_AWAY }));
    alerts.takeOver();
    alerts.clear(CDN);
    await allTold();
    expect(await types(CDN)).toEqual(['AlertRaised', 'AlertCleared']);
  });
});
