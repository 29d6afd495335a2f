import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HoldfastError } from '@holdfast/domain';
import { AT, ManualClock } from '@holdfast/domain/testing';
import type { Alert, AlertBoard } from '../alerts/alert.ts';
import { DiskGuard } from '../disk-guard.ts';
import { DiskReserve } from '../disk-reserve.ts';
import { ConditionWatch, type Finding, type Lookout } from './condition-watch.ts';
import { lookAtDisks, type WatchedDisk } from './disks.ts';
import { lookAtEventStore } from './event-store.ts';
import { type LastReport, lookAtNodes } from './node-silence.ts';

let clock: ManualClock;
let raised: Map<string, Alert>;
const board: AlertBoard = {
  raise: (alert) => raised.set(`${alert.code} ${alert.subject}`, alert),
  clear: ({ code, subject }) => raised.delete(`${code} ${subject}`),
};
const watching = (lookouts: readonly Lookout[], troubles: string[] = []): ConditionWatch =>
  new ConditionWatch({
    board,
    clock,
    lookouts,
    onTrouble: (what, { message }) => troubles.push(`${what}: ${message}`),
  });

beforeEach(() => {
  clock = new ManualClock();
  raised = new Map();
});

const problem = { severity: 'warning', message: 'It is so.', details: {} } as const;
const finding = (subject: string, isSo: boolean): Finding => ({
  code: 'DISK_LOW',
  subject,
  problem: isSo ? problem : null,
});

describe('the watch on conditions', () => {
  it('raises what holds and clears what does not', async () => {
    let isSo = true;
    const watch = watching([{ what: 'this', look: () => [finding('a', isSo), finding('b', !isSo)] }]);
    await watch.look();
    expect([...raised.keys()]).toEqual(['DISK_LOW a']);
    isSo = false;
    await watch.look();
    expect([...raised.keys()]).toEqual(['DISK_LOW b']);
  });

  it('leaves as it is what could not be looked at, and looks at the rest', async () => {
    const troubles: string[] = [];
    let fails = false;
    const look = (): Finding[] => {
      if (fails) throw new Error('no such disk');
      return [finding('a', true)];
    };
    const watch = watching(
      [
        { what: 'a', look },
        { what: 'b', look: () => [finding('b', true)] },
      ],
      troubles,
    );
    await watch.look();
    fails = true;
    raised.delete('DISK_LOW b');
    await watch.look();
    await watch.look();
    expect([...raised.keys()]).toEqual(['DISK_LOW a', 'DISK_LOW b']);
    expect(troubles).toEqual(['a: no such disk']);
  });

  it('looks at once and then every five seconds, each for itself, until it is closed', async () => {
    let looks = 0;
    let hangs = (): void => undefined;
    const watch = watching([
      { what: 'one that hangs', look: () => new Promise((resolve) => (hangs = () => resolve([]))) },
      { what: 'counted', look: () => [finding('a', (looks += 1) > 0)] },
    ]);
    watch.start();
    for (let expected = 2; expected < 5; expected += 1) {
      const deadline = performance.now() + 10_000;
      while (looks < expected) {
        if (performance.now() > deadline) throw new Error('It did not look.');
        clock.advance(5_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const closed = watch.close();
    hangs();
    await closed;
    const last = looks;
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toBe(last);
  });
});

describe('the disks', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-disks-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('FR-013 are low below what must stay free, critically so once the reserve is in use', async () => {
    let freeBytes = 200_000;
    const readSpace = () => ({ freeBytes, totalBytes: 1_000_000 });
    const minFree = { percent: 15, bytes: null };
    const guard = new DiskGuard({ path: directory, minFree, clock, readSpace });
    const reserve = new DiskReserve({ directory, clock, readSpace, maxBytes: 40_000 });
    const watch = watching([lookAtDisks('web-1', [{ name: 'data', guard, reserve }], clock)]);
    const severityAt = async (bytes: number): Promise<string | null> => {
      freeBytes = bytes;
      clock.advance(5_000);
      await watch.look();
      return raised.get('DISK_LOW web-1/data')?.severity ?? null;
    };
    expect(await severityAt(150_000)).toBeNull();
    expect(await severityAt(149_999)).toBe('warning');
    expect(await severityAt(9_999)).toBe('critical');
    expect(raised.get('DISK_LOW web-1/data')?.details).toEqual({
      freeBytes: 9_999,
      totalBytes: 1_000_000,
      minFreeBytes: 150_000,
      reserveInUse: true,
    });
    expect(await severityAt(149_999)).toBe('warning');
    expect(await severityAt(150_000)).toBeNull();
  });

  it('that are not there any more are not low any more, but where another process tells of them', async () => {
    const path = directory;
    const guard = new DiskGuard({ path, minFree: { percent: null, bytes: null }, clock });
    const data = {
      name: 'data',
      guard,
      reserve: new DiskReserve({ directory, clock, maxBytes: 1 }),
    } as const;
    const subjects = ['web-1/data', 'web-1/log', 'web-2/log'];
    for (const subject of subjects)
      raised.set(`DISK_LOW ${subject}`, { code: 'DISK_LOW', subject, ...problem });
    await watching([lookAtDisks('web-1', [], clock)]).look();
    expect([...raised.keys()]).toEqual(subjects.map((subject) => `DISK_LOW ${subject}`));
    await watching([lookAtDisks('web-1', [data], clock)]).look();
    expect([...raised.keys()]).toEqual(['DISK_LOW web-2/log']);
  });

  it('are low critically too once they cannot be asked for fifteen seconds, each for itself', async () => {
    const disk = (name: WatchedDisk['name'], path: string) => ({
      name,
      guard: new DiskGuard({ path, minFree: { percent: null, bytes: null }, clock }),
      reserve: new DiskReserve({ directory: path, clock, maxBytes: 1 }),
    });
    const gone = join(directory, 'gone');
    const troubles: string[] = [];
    const watch = watching(
      [lookAtDisks('web-1', [disk('data', gone), disk('log', directory)], clock)],
      troubles,
    );
    raised.set('DISK_LOW web-1/log', { code: 'DISK_LOW', subject: 'web-1/log', ...problem });
    await watch.look();
    expect([...raised.keys()]).toEqual([]);
    clock.advance(14_999);
    await watch.look();
    expect([...raised.keys()]).toEqual([]);
    clock.advance(1);
    await watch.look();
    expect([...raised.values()]).toEqual([
      {
        code: 'DISK_LOW',
        subject: 'web-1/data',
        severity: 'critical',
        message: `The data disk of web-1 has not said what it has free since ${AT}: The free space of ${gone} cannot be read: ENOENT: no such file or directory, statfs '${gone}'. Publishing is refused. Look at the disk and its mount; everything goes on by itself.`,
        details: { code: 'STORAGE_UNAVAILABLE', since: AT },
      },
    ]);
    mkdirSync(gone);
    await watch.look();
    expect([...raised.keys()]).toEqual([]);
    expect(troubles).toEqual([]);
  });
});

describe('the event log', () => {
  const subject = 'web-1/api';
  const KEY = `EVENT_STORE_UNREACHABLE ${subject}`;

  it('is unreachable once it has failed for fifteen seconds', async () => {
    let fails = true;
    const head = () =>
      fails
        ? Promise.reject(new HoldfastError('EVENT_STORE_UNAVAILABLE', 'It is stopped.'))
        : Promise.resolve('1');
    const watch = watching([lookAtEventStore({ subject, store: { head }, clock })]);
    await watch.look();
    clock.advance(14_999);
    await watch.look();
    expect(raised.has(KEY)).toBe(false);
    clock.advance(1);
    await watch.look();
    expect(raised.get(KEY)).toMatchObject({ severity: 'critical', details: { since: AT } });
    fails = false;
    await watch.look();
    expect(raised.has(KEY)).toBe(false);
  });

  it('is unreachable too when it says nothing at all', async () => {
    const head = () => new Promise<string>(() => undefined);
    const watch = watching([lookAtEventStore({ subject, store: { head }, clock })]);
    for (let looks = 0; looks < 4; looks += 1) {
      const looked = watch.look();
      clock.advance(5_000);
      await looked;
    }
    expect(raised.get(KEY)?.message).toContain('did not answer within 5000 ms');
  });
});

describe('another node', () => {
  const reports = new Map<string, LastReport>();
  let retired: string[];
  let watch: ConditionWatch;

  beforeEach(() => {
    reports.clear();
    retired = [];
    watch = nodeWatch();
  });

  /** As a process that has just started. */
  const nodeWatch = (): ConditionWatch =>
    watching([
      lookAtNodes({
        node: 'web-1',
        reports: () => [...reports.values()].filter(({ node }) => !retired.includes(node)),
        retired: () => retired,
        now: () => clock.now(),
      }),
    ]);

  const report = (...nodes: string[]): void => {
    for (const node of nodes) {
      const heardAt = clock.now().toISOString();
      // A clock that has stopped years ago.
      reports.set(node, { node, intervalSeconds: 5, reportedAt: '2001-01-01T00:00:00.000Z', heardAt });
    }
  };

  /** So long, with a look every five seconds and reports of these. @returns who is missed */
  async function pass(ms: number, ...nodes: string[]): Promise<string[]> {
    for (let passed = 0; passed < ms; passed += 5_000) {
      clock.advance(5_000);
      report(...nodes);
      await watch.look();
    }
    return [...raised.keys()];
  }

  it('is missed when nothing was heard of it for a minute, whatever its clock says, until it is retired', async () => {
    report('web-1', 'web-2', 'web-3');
    expect(await pass(5_000, 'web-1', 'web-2', 'web-3')).toEqual([]);
    expect(await pass(55_000, 'web-1')).toEqual([]);
    expect(await pass(5_000, 'web-1')).toEqual(['NODE_SILENT web-2', 'NODE_SILENT web-3']);
    retired.push('web-3');
    expect(await pass(5_000, 'web-1', 'web-2')).toEqual([]);
  });

  it('is not missed while the log is away, nor for a minute after', async () => {
    expect(await pass(5_000, 'web-1', 'web-2')).toEqual([]);
    expect(await pass(300_000)).toEqual([]);
    expect(await pass(55_000, 'web-1')).toEqual([]);
    expect(await pass(5_000, 'web-1', 'web-2')).toEqual([]);
    expect(await pass(300_000)).toEqual([]);
    expect(await pass(60_000, 'web-1')).toEqual([]);
    expect(await pass(5_000, 'web-1')).toEqual(['NODE_SILENT web-2']);
  });

  it('that is missed is so until it reports, also where the catalog was built again', async () => {
    await pass(5_000, 'web-1', 'web-2');
    expect(await pass(65_000, 'web-1')).toEqual(['NODE_SILENT web-2']);
    watch = nodeWatch();
    report('web-1', 'web-2');
    await watch.look();
    expect(await pass(120_000, 'web-1')).toEqual(['NODE_SILENT web-2']);
    expect(await pass(5_000, 'web-1', 'web-2')).toEqual([]);
  });
});
