import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { acquireLock } from './file-lock.ts';

const HOLDER = fileURLToPath(new URL('./lock-holder.fixture.ts', import.meta.url));

describe('acquireLock', () => {
  let directory: string;
  let file: string;
  let holder: ChildProcess | null;

  const holdElsewhere = async (): Promise<number> => {
    const child = spawn(process.execPath, [HOLDER, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    holder = child;
    await once(child.stdout, 'data');
    return child.pid ?? 0;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
    file = join(directory, 'local.lock');
    holder = null;
  });

  afterEach(() => {
    holder?.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  it('is held by one at a time, and free again when it is released', () => {
    const lock = acquireLock(file, { what: 'the local projector' });
    expect(() => acquireLock(file, { what: 'another' })).toThrow(
      expect.objectContaining({
        code: 'DATA_DIR_IN_USE',
        kind: 'fatal',
        context: expect.objectContaining({
          pid: process.pid,
          host: hostname(),
          what: 'the local projector',
        }),
      }),
    );
    lock.release();
    lock.release();
    acquireLock(file, { what: 'another' }).release();
  });

  it('names the process that holds it, and is free once that one is killed', async () => {
    const pid = await holdElsewhere();
    expect(() => acquireLock(file, { what: 'the second' })).toThrow(
      expect.objectContaining({
        code: 'DATA_DIR_IN_USE',
        message: expect.stringContaining(`process ${pid} `),
        context: expect.objectContaining({ pid, what: 'the lock holder' }),
      }),
    );
    const ended = once(holder as ChildProcess, 'exit');
    holder?.kill('SIGKILL');
    await ended;
    acquireLock(file, { what: 'the second' }).release();
  });

  it('is not taken away by those who fail to get it', async () => {
    const pid = await holdElsewhere();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(() => acquireLock(file, { what: 'the second' })).toThrow(
        expect.objectContaining({ context: expect.objectContaining({ pid }) }),
      );
    }
  });

  it('says what is wrong with the file when it is not a lock or cannot be made', () => {
    writeFileSync(file, 'something else entirely, long enough to be looked at '.repeat(20));
    expect(() => acquireLock(file, { what: 'x' })).toThrow(
      expect.objectContaining({ code: 'DATABASE_CORRUPT' }),
    );
    expect(() => acquireLock(join(directory, 'none', 'x.lock'), { what: 'x' })).toThrow(
      expect.objectContaining({ code: 'DATA_DIR_UNUSABLE' }),
    );
  });
});
