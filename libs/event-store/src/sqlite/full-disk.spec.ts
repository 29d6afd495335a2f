import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventStore, type LogBackup, systemClock } from '@holdfast/domain';
import { deleted, published, readWholeLog } from '@holdfast/domain/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteEventStore } from './sqlite-event-store.ts';

const KIB = 1024;
const FULL = { code: 'DISK_FULL', kind: 'exhausted' };
const disk = mkdtempSync(join(tmpdir(), 'holdfast-full-'));
const canMount =
  process.platform === 'linux' &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]).status === 0;
const onSmallDisk = canMount ? describe : describe.skip;

afterAll(() => {
  if (canMount) spawnSync('umount', ['--lazy', disk]);
  rmSync(disk, { recursive: true, force: true });
});

const large = (at: string, bytes = 800 * KIB): ReturnType<typeof published> =>
  published(at, JSON.stringify('x'.repeat(bytes)));

onSmallDisk('a full disk (a small one is mounted for it, which takes Linux and root)', () => {
  let directory: string;
  let store: EventStore & LogBackup;

  const file = (): string => join(directory, 'events.db');
  const open = (): ReturnType<typeof openSqliteEventStore> =>
    openSqliteEventStore({
      file: file(),
      bellFile: `${file()}.bell`,
      clock: systemClock,
      createIfMissing: true,
    });

  /** Leaves only so much room. */
  const fill = (leave: number): void => {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - leave));
  };
  const makeRoom = (): void => {
    rmSync(join(disk, 'filler'), { force: true });
  };

  beforeEach(async () => {
    directory = join(disk, 'data');
    mkdirSync(directory);
    store = await open();
  });

  afterEach(async () => {
    await store.close();
    makeRoom();
    rmSync(directory, { recursive: true });
  });

  it('refuses an append, stores nothing of it, and takes it once there is room', async () => {
    const kept = published('units/kept.json');
    await store.append('content-units/kept.json', [kept], 'none');
    const before = await readWholeLog(store, { withBodies: true });
    fill(300 * KIB);
    const events = [large('units/a.json', 100 * KIB), large('units/a.json')];
    await expect(store.append('content-units/a.json', events, 'none')).rejects.toMatchObject(FULL);
    expect(await readWholeLog(store, { withBodies: true })).toEqual(before);
    makeRoom();
    expect(await store.append('content-units/a.json', events, 'none')).toMatchObject({ version: 1 });
    expect(await store.readStream('content-units/a.json', { maxCount: 2, withBodies: true })).toHaveLength(2);
  });

  it('stores what is small beside what is too large', async () => {
    fill(300 * KIB);
    const [tooLarge, small] = await Promise.allSettled([
      store.append('content-units/a.json', [large('units/a.json')], 'none'),
      store.append('content-units/b.json', [deleted('units/b.json')], 'none'),
    ]);
    expect(tooLarge).toMatchObject({ status: 'rejected', reason: FULL });
    expect(small).toMatchObject({ status: 'fulfilled', value: { version: 0 } });
  });

  it('loses nothing that was acknowledged while it filled up, also when it is opened again', async () => {
    fill(2_000 * KIB);
    const acknowledged: string[] = [];
    for (let count = 0; count < 200; count += 1) {
      const event = large(`units/${count}.json`, 50 * KIB);
      const stored = await store.append(`content-units/${count}.json`, [event], 'none').catch(() => null);
      if (stored === null) break;
      acknowledged.push(event.id);
    }
    expect(acknowledged.length).toBeGreaterThan(3);
    expect(acknowledged.length).toBeLessThan(200);
    await store.close();
    store = await open();
    const log = await readWholeLog(store, { withBodies: true, filter: { types: ['ContentPublished'] } });
    expect(log.map(({ id }) => id)).toEqual(acknowledged);
    makeRoom();
    await store.append('content-units/after.json', [large('units/after.json')], 'none');
  });

  it('leaves nothing of a backup that finds no room', async () => {
    await store.append('content-units/a.json', [large('units/a.json')], 'none');
    fill(300 * KIB);
    const backup = join(disk, 'copy.db');
    await expect(store.backupTo(backup)).rejects.toMatchObject(FULL);
    expect(readdirSync(disk).sort()).toEqual(['data', 'filler']);
  });

  it('is what opening a new log on it fails with', async () => {
    fill(0);
    const options = { clock: systemClock, createIfMissing: true, bellFile: join(disk, 'new.bell') };
    await expect(openSqliteEventStore({ ...options, file: join(disk, 'new.db') })).rejects.toMatchObject(
      FULL,
    );
    for (const name of readdirSync(disk)) if (name.startsWith('new.')) rmSync(join(disk, name));
  });
});
