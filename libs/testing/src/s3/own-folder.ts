import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Short: Unix sockets are made below it.
const PREFIX = 'hf-s3-';
const OWNER_FILE = 'owner';

/** A temporary folder of this process. Those of processes that were killed, some hundred megabytes each, go first. */
export function makeOwnFolder(parent: string = tmpdir()): string {
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(PREFIX))) {
    if (isAbandoned(join(parent, name))) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(parent, PREFIX));
  writeFileSync(join(folder, OWNER_FILE), String(process.pid));
  return folder;
}

function isAbandoned(folder: string): boolean {
  const owner = ownerOf(folder);
  return owner !== null && !isRunning(owner);
}

/** @returns null where it cannot be read: another process makes or removes the folder, or it is another user's */
function ownerOf(folder: string): number | null {
  try {
    return Number(readFileSync(join(folder, OWNER_FILE), 'utf8')) || null;
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
