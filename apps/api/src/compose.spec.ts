import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from './compose.ts';
import { type ApiConfig, readConfig } from './config.ts';
import { eventually, NODE, startApi } from './testing/start-api.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const config = (more: Partial<ApiConfig> = {}): ApiConfig => ({
  ...readConfig({ HOLDFAST_DATA_DIR: dataDir, HOLDFAST_PORT: '0', HOLDFAST_LOG_LEVEL: 'silent' }),
  ...more,
});

describe('compose', () => {
  it('opens everything, and closes it so that it can be opened again, with no handle left open', async () => {
    const handles = () => process.getActiveResourcesInfo().filter((name) => /FSEvent|TCP|Worker/.test(name));
    const before = handles();
    for (let round = 0; round < 3; round += 1) {
      const { server, listen, close } = await compose(config());
      expect((await fetch(`${await listen()}/healthz`)).status).toBe(200);
      await close();
      await close();
      expect(server.server.listening).toBe(false);
    }
    await eventually(handles, (now) => now.length <= before.length);
  });

  it('refuses a data directory that another instance holds, and does not disturb it', async () => {
    const first = await compose(config());
    await expect(compose(config())).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    expect((await first.server.inject('/healthz')).statusCode).toBe(200);
    await first.close();
  });

  it('refuses a port that is taken, naming it', async () => {
    const first = await compose(config());
    const { port } = new URL(await first.listen());
    const other = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
    const second = await compose({ ...config(), dataDir: other, port: Number(port) });
    await expect(second.listen()).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(port),
    });
    await second.close();
    await first.close();
    rmSync(other, { recursive: true });
  });

  it('LOG_MISMATCH: refuses a directory whose log is gone, and writes nothing', async () => {
    const api = await startApi({ dataDir });
    await api.files.write('a.json', '1', { version: 0, position: '0000000000000001' });
    await api.close();
    for (const name of readdirSync(dataDir)) if (name.startsWith('events.db')) rmSync(join(dataDir, name));
    const before = readdirSync(dataDir);
    await expect(compose(config())).rejects.toMatchObject({ code: 'LOG_MISMATCH' });
    expect(readdirSync(dataDir)).toEqual(before);
  });

  it('LOG_MISMATCH: is an alert until a start that finds files and log together again', async () => {
    const open = async (): Promise<unknown> => {
      const api = await startApi({ dataDir });
      const { alerts } = (await api.get('/v1/alerts?state=open')).json;
      await api.close();
      return alerts;
    };
    const api = await startApi({ dataDir });
    const { position } = (await api.put('b.json', '0')).json as { position: string };
    await api.files.write('a.json', '1', { version: 0, position: position.replace(/^0/, '1') });
    await api.close();
    const [first] = (await open()) as { raisedAt: string }[];
    expect(first).toMatchObject({
      code: 'LOG_MISMATCH',
      subject: `${NODE}/api`,
      severity: 'critical',
      message: expect.stringContaining('an older log was put in its place'),
    });
    // Nobody is told that it is over, and then of it again.
    expect(await open()).toEqual([first]);
    for (const part of ['content', 'generations']) rmSync(join(dataDir, part), { recursive: true });
    const whole = await startApi({ dataDir });
    await eventually(
      () => whole.get('/v1/alerts?state=open'),
      ({ json }) => (json['alerts'] as unknown[]).length === 0,
    );
    await whole.close();
  });

  it('builds a catalog again that is missing, damaged or of a newer program', async () => {
    const first = await startApi({ dataDir });
    await first.put('a.json', '1');
    await first.close();
    const catalog = join(dataDir, 'catalog-api.db');
    for (const damage of [
      () => rmSync(catalog),
      () => writeFileSync(catalog, 'no database at all'.repeat(1_000)),
    ]) {
      damage();
      const again = await startApi({ dataDir });
      expect((await again.get('/v1/content/a.json')).status).toBe(200);
      await again.close();
    }
  });

  it('names a log that is damaged', async () => {
    writeFileSync(join(dataDir, 'events.db'), 'no database at all'.repeat(1_000));
    await expect(compose(config())).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });

  it('FR-020 names a data directory that cannot be used', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    const below = { ...config(), dataDir: join(dataDir, 'file') };
    await expect(compose(below)).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining(join(dataDir, 'file')),
    });
    if (process.getuid?.() === 0) return;
    chmodSync(dataDir, 0o500);
    await expect(compose(config())).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
    chmodSync(dataDir, 0o700);
    expect(existsSync(join(dataDir, 'events.db'))).toBe(false);
  });
});
