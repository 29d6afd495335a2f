import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '@holdfast/storage/testing';
import { type Product, startProduct, waitFor } from '@holdfast/testing';

const MiB = 2 ** 20;
const MINUTES = 60_000;
const skipped = whyNoSmallDisk();

(skipped === null ? describe : describe.skip)(
  `a disk that fills up${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    let disk: SmallDisk;
    let product: Product;

    beforeEach(async () => {
      disk = mountSmallDisk(128);
      product = await startProduct({ dataDir: join(disk.path, 'data') });
    });

    afterEach(async () => {
      await product.stop();
      disk.remove();
    });

    const reserve = (): string => join(disk.path, 'data/disk.reserve');
    const live = (path: string): string => join(disk.path, 'data/content', path);
    /** Leaves so much, or as little as other writers let it. */
    const fill = (leaveBytes: number): void => {
      for (let count = 0; ; count += 1) {
        const { bavail, bsize } = statfsSync(disk.path);
        const bytes = bavail * bsize - leaveBytes;
        if (bytes <= 0) return;
        try {
          writeFileSync(join(disk.path, `filler-${leaveBytes}-${count}`), Buffer.alloc(bytes));
        } catch {
          // Somebody took a little of it meanwhile; what could be written is there.
        }
      }
    };
    const makeRoom = (): void => {
      for (const leave of [0, 5 * MiB])
        for (let count = 0; existsSync(join(disk.path, `filler-${leave}-${count}`)); count += 1)
          rmSync(join(disk.path, `filler-${leave}-${count}`));
    };
    const send = async (method: string, path: string, body?: string): Promise<number> => {
      const headers = { 'content-type': 'application/json' };
      const init = body === undefined ? { method } : { method, headers, body };
      return (await fetch(`${product.url}${path}`, init)).status;
    };
    const put = (path: string): Promise<number> => send('PUT', `/v1/content/${path}`, '{"a":1}');
    const openAlerts = async (): Promise<string[]> => {
      const { alerts } = await product.get<{ alerts: { code: string }[] }>('/v1/alerts?state=open');
      return alerts.map(({ code }) => code);
    };

    it(
      'refuses to publish, says so, lets deletes pass to the last byte, and goes on by itself',
      async () => {
        for (let count = 0; count < 20; count += 1) expect(await put(`units/${count}.json`)).toBe(201);
        await waitFor('the files', () => existsSync(live('units/19.json')));
        await waitFor('the reserve', () => existsSync(reserve()));

        fill(5 * MiB);
        expect(await put('units/new.json')).toBe(507);
        const lowAt = Date.now();
        await waitFor('the alert', async () => (await openAlerts()).includes('DISK_LOW'));
        expect(Date.now() - lowAt).toBeLessThan(MINUTES);
        expect((await product.holdfast('status')).stdout).toContain('DISK_FULL');

        fill(0);
        for (let count = 0; count < 10; count += 1) {
          expect(await send('DELETE', `/v1/content/units/${count}.json`)).toBe(200);
        }
        expect(existsSync(reserve())).toBe(false);
        expect(await put('units/new.json')).toBe(507);

        makeRoom();
        await waitFor('publishing to go on', async () => (await put('units/new.json')) === 201);
        await waitFor('the files to be as the log has them', () =>
          [existsSync(live('units/new.json')), !existsSync(live('units/0.json'))].every(Boolean),
        );
        await waitFor('the alert to be over', async () => !(await openAlerts()).includes('DISK_LOW'));
        await waitFor('a new reserve', () => existsSync(reserve()));
      },
      5 * MINUTES,
    );
  },
);
