import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { flushFileSystem } from './flush-file-system.ts';

/**
 * The system calls that change the local content directory, so that a spec can make each of them fail in turn.
 * They are synchronous, as here that costs a tenth of the way through the thread pool; callers take
 * breaks. All but `isThere` throw what `node:fs` throws.
 */
export interface FileOperations {
  /** Makes a file that must not exist, mode 0644 whatever the umask. */
  createFile(file: string): number;
  /** Writes all of it. */
  write(fd: number, bytes: Uint8Array): void;
  flush(fd: number): void;
  close(fd: number): void;
  /** fsync of a file or directory that is not open. */
  flushPath(path: string): void;
  link(existing: string, file: string): void;
  rename(from: string, to: string): void;
  symlink(target: string, file: string): void;
  unlink(file: string): void;
  /** Mode 0755 whatever the umask. */
  makeDirectory(directory: string): void;
  removeDirectory(directory: string): void;
  /** Without following a link; undefined where there is nothing. */
  stat(path: string): Stats | undefined;
  /** Makes everything durable that was written to the file system that holds `path`. Rejects where it cannot. */
  flushFileSystem(path: string): Promise<void>;
}

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

export const nodeFileOperations: FileOperations = {
  createFile: (file) => {
    const fd = openSync(file, CREATE, 0o644);
    try {
      fchmodSync(fd, 0o644);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  },
  write: (fd, bytes) => {
    for (let written = 0; written < bytes.length;) {
      written += writeSync(fd, bytes, written, bytes.length - written);
    }
  },
  flush: fsyncSync,
  close: closeSync,
  flushPath: (path) => {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  link: linkSync,
  rename: renameSync,
  symlink: (target, file) => symlinkSync(target, file),
  unlink: unlinkSync,
  makeDirectory: (directory) => {
    mkdirSync(directory, 0o755);
    chmodSync(directory, 0o755);
  },
  removeDirectory: rmdirSync,
  stat: (path) => lstatSync(path, { throwIfNoEntry: false }),
  flushFileSystem,
};
