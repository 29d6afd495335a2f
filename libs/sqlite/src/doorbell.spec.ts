import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Doorbell, openDoorbell } from './doorbell.ts';

const RINGER = fileURLToPath(new URL('./bell-ringer.fixture.ts', import.meta.url));

describe('openDoorbell', () => {
  let directory: string;
  let file: string;
  let bell: Doorbell;
  let ringer: ChildProcess | null;

  /** Rings again and again until it is heard: one ring may be lost. */
  const hears = async (heard: () => boolean, ring: () => void): Promise<void> => {
    const deadline = Date.now() + 10_000;
    while (!heard()) {
      if (Date.now() > deadline) throw new Error('The bell was not heard');
      ring();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  const startRinger = async (): Promise<() => void> => {
    const child = spawn(process.execPath, [RINGER, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    ringer = child;
    await once(child.stdout, 'data');
    return () => {
      child.stdin.write('.');
    };
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-bell-'));
    file = join(directory, 'events.bell');
    bell = openDoorbell(file);
    ringer = null;
  });

  afterEach(() => {
    bell.close();
    ringer?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('wakes every listener of its own process, until that one has had enough', async () => {
    let [first, second] = [0, 0];
    const leave = bell.listen(() => (first += 1));
    bell.listen(() => (second += 1));
    await hears(
      () => first > 0 && second > 0,
      () => {
        bell.ring();
      },
    );
    leave();
    const [before, heardBefore] = [first, second];
    await hears(
      () => second > heardBefore,
      () => {
        bell.ring();
      },
    );
    expect(first).toBe(before);
  });

  it('wakes other processes', async () => {
    let heard = 0;
    bell.listen(() => (heard += 1));
    const ring = await startRinger();
    await hears(() => heard > 0, ring);
    expect(statSync(file).size).toBe(1);
  });

  it('goes on ringing after its file was deleted or replaced', async () => {
    let heard = 0;
    bell.listen(() => (heard += 1));
    const ring = await startRinger();
    await hears(() => heard > 0, ring);
    for (const meddle of [
      () => rmSync(file),
      () => (writeFileSync(`${file}.new`, ''), renameSync(`${file}.new`, file)),
    ]) {
      meddle();
      // The deletion itself wakes a few times; more than that comes from ringing only.
      const before = heard;
      await hears(() => heard > before + 10, ring);
    }
  });

  it('costs nothing but time when its file cannot be made', () => {
    const deaf = openDoorbell(join(directory, 'none', 'events.bell'));
    deaf.listen(() => undefined);
    deaf.ring();
    deaf.close();
    deaf.ring();
    deaf.close();
  });
});
