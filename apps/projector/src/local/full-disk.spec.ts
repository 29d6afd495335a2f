import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LogBackup, systemClock, type EventStore } from '@holdfast/domain';
import { deleted, published, record } from '@holdfast/domain/testing';
import { openSqliteEventStore } from '@holdfast/event-store';
import { appendWithReserve, DiskReserve } from '@holdfast/health';
import { mountSmallDisk, readTree, type SmallDisk, whyNoSmallDisk } from '@holdfast/storage/testing';
import { type LocalNode, startLocalNode, until } from './testing/local-node.ts';

const KIB = 1024;
const skipped = whyNoSmallDisk();

(skipped === null ? describe : describe.skip)(
  `log and files on one disk that is full to the last byte${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    let disk: SmallDisk;
    let dataDir: string;
    let store: EventStore & LogBackup;
    let reserve: DiskReserve;
    let node: LocalNode;

    beforeEach(async () => {
      disk = mountSmallDisk(64);
      dataDir = join(disk.path, 'data');
      mkdirSync(dataDir);
      reserve = new DiskReserve({ directory: dataDir, clock: systemClock });
      reserve.tend();
      const file = join(dataDir, 'events.db');
      const bellFile = join(dataDir, 'events.bell');
      const opened = await openSqliteEventStore({
        file,
        bellFile,
        clock: systemClock,
        createIfMissing: true,
      });
      store = appendWithReserve(opened, reserve);
    });

    afterEach(async () => {
      await node.stop();
      await store.close();
      disk.remove();
    });

    const start = async (): Promise<void> => {
      const requireRoom = (): void => {
        reserve.requireRoom();
      };
      node = await startLocalNode({ store, dataDir, requireRoom });
    };
    const fill = (): void => {
      for (let count = 0; ; count += 1) {
        const { bavail, bsize } = statfsSync(disk.path);
        if (bavail === 0) return;
        writeFileSync(join(disk.path, `filler-${count}`), Buffer.alloc(bavail * bsize));
      }
    };
    const makeRoom = (): void => {
      for (let count = 0; existsSync(join(disk.path, `filler-${count}`)); count += 1) {
        rmSync(join(disk.path, `filler-${count}`));
      }
    };
    const files = (): ReturnType<typeof readTree> => readTree(join(dataDir, 'content/'));
    const large = (at: string) => published(at, JSON.stringify('x'.repeat(200 * KIB)));

    it('takes deletes and mends their files, while what was published waits, and goes on by itself', async () => {
      await record(store, published('a.json', '1'), published('b.json', '1'), published('c.json', '1'));
      await start();
      await node.projector.caughtUp();
      await node.stop();
      // Acknowledged, but not yet on disk when the disk fills up.
      await record(store, large('waiting.json'), published('a.json', '2'));
      fill();
      await expect(store.append('content-d.json', [large('d.json')], 'none')).rejects.toMatchObject({
        code: 'DISK_FULL',
      });
      expect(existsSync(reserve.file)).toBe(true);
      await record(store, deleted('b.json'));
      expect(existsSync(reserve.file)).toBe(false);
      await start();
      await until('the delete to be done', () => !('b.json' in files()));
      expect(files()).toMatchObject({ 'a.json': '1', 'c.json': '1' });
      expect('waiting.json' in files()).toBe(false);
      expect(node.projector.status()).toMatchObject({ state: 'waiting', pending: 2 });
      // More of them than one page of a database holds: what the documents do not take lasts for these.
      for (let count = 0; count < 25; count += 1) {
        await record(store, deleted('c.json'));
        reserve.tend();
      }
      await until('the last delete to be done', () => !('c.json' in files()));
      expect(files()).toMatchObject({ 'a.json': '1' });
      makeRoom();
      await until('what waited to be written', () => node.projector.status().pending === 0);
      expect(files()).toMatchObject({ 'a.json': '2', 'a.json.prev': '1' });
      expect('waiting.json' in files()).toBe(true);
      reserve.tend();
      expect(existsSync(reserve.file)).toBe(true);
    }, 60_000);
  },
);
