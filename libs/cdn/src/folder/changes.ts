import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { HoldfastError, type PutOptions } from '@holdfast/domain';
import { hasErrno, isAbsent } from './bucket-error.ts';
import { md5Of, statObject } from './object-file.ts';
import { directoriesOfKey, fileOfKey, OWN_DIRECTORY, TMP_DIRECTORY } from './object-key.ts';
import { modifiedMsOf, type ObjectRows, stampOf } from './object-rows.ts';

const fsyncFile = promisify(fsync);

/** What a change needs while it is made. */
export interface ChangeContext {
  readonly folder: string;
  readonly rows: ObjectRows;
  /** Directories whose entries have to be made durable before anybody is answered. */
  readonly touched: Set<string>;
}

/** One step towards the bucket: written beside it, made durable, then shown at once. */
export interface Change {
  readonly bytes: number;
  /** Writes what `apply` shows; nothing can be seen yet. Synchronous. */
  write(folder: string): void;
  /** Makes that durable. */
  sync(): Promise<void>;
  /** Shows it. Synchronous, and alone: no other change of any process comes in between. */
  apply(context: ChangeContext): void;
  /** Removes what `write` left behind when `apply` was not reached or failed. */
  discard(): void;
}

export class Put implements Change {
  readonly bytes: number;
  readonly #key: string;
  readonly #file: string;
  readonly #content: Uint8Array;
  readonly #options: PutOptions;
  #tmp: string | null = null;
  #fd: number | null = null;
  #storedMs: number | null = null;

  constructor(key: string, file: string, content: Uint8Array, options: PutOptions) {
    this.#key = key;
    this.#file = file;
    this.#content = content;
    this.#options = options;
    this.bytes = content.length;
  }

  /** Null before `apply`. */
  get storedMs(): number | null {
    return this.#storedMs;
  }

  write(folder: string): void {
    this.#tmp = join(folder, OWN_DIRECTORY, TMP_DIRECTORY, randomUUID());
    this.#fd = openSync(this.#tmp, 'wx', 0o644);
    for (let at = 0; at < this.#content.length;) at += writeSync(this.#fd, this.#content, at);
  }

  async sync(): Promise<void> {
    if (this.#fd === null) return;
    await fsyncFile(this.#fd);
  }

  apply({ folder, rows, touched }: ChangeContext): void {
    if (this.#tmp === null || this.#fd === null) throw new Error('apply comes after write');
    this.#checkPrecondition(folder, rows);
    for (const directory of directoriesOfKey(folder, this.#key)) makeDirectory(directory, touched);
    renameSync(this.#tmp, this.#file);
    this.#tmp = null;
    touched.add(dirname(this.#file));
    const { md5, contentType, cacheControl, metadata } = this.#options;
    // After the rename, which is a change of the file.
    const stat = fstatSync(this.#fd, { bigint: true });
    this.#storedMs = modifiedMsOf(stat);
    rows.save({ key: this.#key, stamp: stampOf(stat), md5, contentType, cacheControl, metadata });
  }

  discard(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    if (this.#tmp !== null) rmSync(this.#tmp, { force: true });
    this.#tmp = null;
  }

  #checkPrecondition(folder: string, rows: ObjectRows): void {
    const { ifMatch, ifNoneMatch } = this.#options;
    if (ifMatch === undefined && ifNoneMatch === undefined) return;
    const etag = etagNow(folder, this.#key, this.#file, rows);
    if ((ifMatch === undefined || ifMatch === etag) && (ifNoneMatch === undefined || etag === null)) return;
    throw new HoldfastError(
      'OBJECT_PRECONDITION_FAILED',
      `${this.#key} was not stored in the folder bucket ${folder}: ${etag === null ? 'there is no object to replace' : `its ETag is ${etag}`}. Look at what is there and decide again.`,
      { context: { key: this.#key, etag } },
    );
  }
}

/** Deletes one object, and the directories that it leaves empty. */
export class Delete implements Change {
  readonly bytes = 0;
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  write(): void {
    // There is nothing to prepare.
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  apply({ folder, rows, touched }: ChangeContext): void {
    const file = fileOfKey(folder, this.#key);
    if (file === null || statObject(folder, this.#key, file) === null) return;
    unlinkSync(file);
    rows.delete(this.#key);
    const parents = directoriesOfKey(folder, this.#key).reverse();
    const kept = parents.find((directory) => !removeEmptyDirectory(directory));
    touched.add(kept ?? folder);
  }

  discard(): void {
    // Nothing was written.
  }
}

/**
 * Makes the changes of one group: written together, shown in order under one lock, and made durable together.
 * All are written before the first is made durable, as calls that create files wait for a busy disk.
 * @returns those that failed, each with why; the others are done. A rejection is every change's.
 */
export async function makeChanges(
  changes: readonly Change[],
  folder: string,
  rows: ObjectRows,
): Promise<ReadonlyMap<Change, unknown>> {
  const touched = new Set<string>();
  const failures = new Map<Change, unknown>();
  const attempt = (change: Change, step: () => void): void => {
    if (failures.has(change)) return;
    try {
      step();
    } catch (error) {
      failures.set(change, error);
    }
  };
  try {
    for (const change of changes) attempt(change, () => change.write(folder));
    const syncs = changes.map((change) =>
      change.sync().catch((error: unknown) => failures.set(change, error)),
    );
    await Promise.all(syncs);
    rows.alone(() => {
      for (const change of changes) attempt(change, () => change.apply({ folder, rows, touched }));
    });
    await Promise.all([...touched].map(syncDirectory));
    return failures;
  } finally {
    for (const change of changes) change.discard();
  }
}

function makeDirectory(directory: string, touched: Set<string>): void {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) {
    mkdirSync(directory);
    touched.add(directory).add(dirname(directory));
  } else if (!found.isDirectory()) {
    throw new Error(`${directory} is a file or a symbolic link (which is never followed), not a directory`);
  }
}

/** @returns false where it is not empty, or is gone already */
function removeEmptyDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return false;
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(directory, 'r');
  } catch (error) {
    // Removed again by a later change of the group, which touched what is left above it.
    if (isAbsent(error)) return;
    throw error;
  }
  try {
    await fsyncFile(fd);
  } finally {
    closeSync(fd);
  }
}

function etagNow(folder: string, key: string, file: string, rows: ObjectRows): string | null {
  const stat = statObject(folder, key, file);
  if (stat === null) return null;
  const row = rows.find(key);
  return row?.stamp === stampOf(stat) ? row.md5 : md5Of(readFileSync(file));
}
