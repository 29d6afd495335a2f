import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly path: string;
  remountReadOnly(): void;
  remountWritable(): void;
  remove(): void;
}

/** Why there can be no small disk here; null where there can. To be shown when a spec is skipped. */
export function whyNoSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, to mount a file system';
  try {
    mountSmallDisk(1).remove();
    return null;
  } catch (error) {
    return `cannot mount a file system: ${(error as Error).message.split('\n')[0]}`;
  }
}

export function mountSmallDisk(mebibytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  const mount = (...args: string[]): void => {
    execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  try {
    mount('-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path);
  } catch (error) {
    rmSync(path, { recursive: true });
    throw error;
  }
  return {
    path,
    remountReadOnly: () => {
      mount('-o', 'remount,ro', path);
    },
    remountWritable: () => {
      mount('-o', 'remount,rw', path);
    },
    remove: () => {
      execFileSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
