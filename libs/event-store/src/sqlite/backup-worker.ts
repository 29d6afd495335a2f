import { closeSync, fsyncSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { BackupAnswer } from './backup.ts';

const { source, temporary } = workerData as { source: string; temporary: string };

function copy(): BackupAnswer {
  try {
    const db = new DatabaseSync(source, { readOnly: true, timeout: 10_000 });
    try {
      db.prepare('VACUUM INTO ?').run(temporary);
    } finally {
      db.close();
    }
    const fd = openSync(temporary, 'r');
    fsyncSync(fd);
    closeSync(fd);
    return null;
  } catch (error) {
    const { message, errcode, code } = error as Error & { errcode?: number; code?: string };
    return {
      message,
      ...(errcode === undefined ? {} : { errcode }),
      ...(code === undefined ? {} : { code }),
    };
  }
}

parentPort?.postMessage(copy());
