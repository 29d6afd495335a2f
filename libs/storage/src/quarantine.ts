import {
  HoldfastError,
  type LocalEntry,
  parentDirectories,
  type QuarantineEntry,
  type QuarantineLine,
  quarantineLineSchema,
} from '@holdfast/domain';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dataPaths } from './data-paths.ts';
import { errnoOf, fileFailure } from './file-errors.ts';

const LIST = 'list.ndjson';

/**
 * What repairs moved away from the live files, and can be moved back; nothing here is ever deleted:
 *
 *     quarantine/list.ndjson        what is moved from where, and what is moved back; only appended to, and first
 *     quarantine/<id>/<name>        the file, link or directory itself; whether it is there says what was done
 *
 * The caller sees to it that nobody writes to the live files meanwhile.
 */
export class Quarantine {
  readonly #directory: string;

  constructor(dataDir: string) {
    this.#directory = dataPaths(dataDir).quarantine;
  }

  /** What is in it now, the latest first. @throws STORAGE_UNAVAILABLE */
  entries(): QuarantineEntry[] {
    return this.#moved()
      .filter((entry) => this.#holds(entry))
      .reverse();
  }

  /**
   * Moves something below a root here; directories that are left empty are removed. Durable when it returns.
   * @param entry  as it was found
   * @throws DISK_FULL, STORAGE_UNAVAILABLE; it is then where it was
   */
  moveHere(
    root: string,
    entry: Pick<LocalEntry, 'path' | 'bytes' | 'sha256'>,
    about: { scanId: string; at: Date },
  ): QuarantineEntry {
    const { path, bytes, sha256 } = entry;
    const from = join(root, path);
    try {
      const id = randomUUID();
      const file = `${id}/${basename(path)}`;
      const { scanId, at } = about;
      const moved = { id, path, file, movedAt: at.toISOString(), scanId, bytes, sha256 };
      mkdirSync(join(this.#directory, id), { recursive: true, mode: 0o755 });
      flush(this.#directory);
      this.#append({ moved });
      renameSync(trimmed(from), join(this.#directory, file));
      flush(join(this.#directory, id));
      flush(removeEmptyAbove(root, trimmed(from)));
      return moved;
    } catch (error) {
      throw fileFailure(error, { attempted: 'move into quarantine', file: from });
    }
  }

  /**
   * Moves something back to where it was, below the root that is live now. May be called again after a crash.
   * @param about.job      on whose behalf, so that what it has done before counts as done
   * @param about.isTaken  whether a path belongs to somebody else now, though perhaps nothing stands there
   * @throws QUARANTINE_ENTRY_NOT_FOUND; QUARANTINE_PLACE_TAKEN where something else stands there now, or should; DISK_FULL,
   *         STORAGE_UNAVAILABLE
   */
  restore(
    root: string,
    id: string,
    { job, at, isTaken }: { job: string; at: Date; isTaken: (path: string) => boolean },
  ): QuarantineEntry {
    const entry = this.#moved().find((each) => each.id === id);
    if (entry === undefined) throw notFound(id);
    if (!this.#holds(entry)) {
      if (this.#isRestoredBy(job, id)) return entry;
      throw notFound(id);
    }
    const to = trimmed(join(root, entry.path));
    const above = parentDirectories(trimmed(entry.path)).reverse();
    const isPlaceFree = above.every((parent) => isFree(join(root, parent))) && !isThere(to);
    if (!isPlaceFree || isTaken(entry.path)) throw placeTaken(entry);
    try {
      makeParents(root, to);
      this.#append({ restored: { id, at: at.toISOString(), job } });
      renameSync(join(this.#directory, entry.file), to);
      flush(dirname(to));
      rmdirSync(join(this.#directory, id));
      return entry;
    } catch (error) {
      throw fileFailure(error, { attempted: 'move out of quarantine', file: to });
    }
  }

  #moved(): QuarantineEntry[] {
    return this.#readList().flatMap((line) => ('moved' in line ? [line.moved] : []));
  }

  #holds({ file }: QuarantineEntry): boolean {
    return isThere(join(this.#directory, file));
  }

  #isRestoredBy(job: string, id: string): boolean {
    const restored = this.#readList().flatMap((line) => ('restored' in line ? [line.restored] : []));
    return restored.some((line) => line.id === id && line.job === job);
  }

  #readList(): QuarantineLine[] {
    const file = join(this.#directory, LIST);
    try {
      return readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw fileFailure(error, { attempted: 'read', file });
    }
  }

  #append(line: QuarantineLine): void {
    const fd = openSync(join(this.#directory, LIST), 'a', 0o644);
    try {
      // Begun on a new line: a loss of power may have cut the last one short.
      writeSync(fd, `\n${JSON.stringify(line)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    flush(this.#directory);
  }
}

function parseLine(text: string): QuarantineLine[] {
  if (text === '') return [];
  try {
    const parsed = quarantineLineSchema.safeParse(JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}

/** Also a link that leads nowhere. */
const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

/** For what goes below it: a link would lead it out of the tree. */
const isFree = (directory: string): boolean =>
  lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? true;

const trimmed = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);

/** @returns the lowest directory above it that is left, whose entries have changed */
function removeEmptyAbove(root: string, path: string): string {
  let directory = dirname(path);
  while (directory.length > root.length) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) break;
      throw error;
    }
    directory = dirname(directory);
  }
  return directory;
}

function makeParents(root: string, file: string): void {
  const directory = dirname(file);
  if (directory.length <= root.length || existsSync(directory)) return;
  makeParents(root, directory);
  mkdirSync(directory, 0o755);
  flush(dirname(directory));
}

function flush(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const notFound = (id: string): HoldfastError =>
  new HoldfastError(
    'QUARANTINE_ENTRY_NOT_FOUND',
    `There is nothing in quarantine with the id ${id.slice(0, 100)}; "holdfast quarantine list" shows what there is.`,
    { context: { id: id.slice(0, 100) } },
  );

const placeTaken = ({ id, path }: QuarantineEntry): HoldfastError =>
  new HoldfastError(
    'QUARANTINE_PLACE_TAKEN',
    `${path} was not moved out of quarantine, as something else stands there now, or a published document belongs there. It stays in quarantine; move or delete what is there first.`,
    { context: { id, path } },
  );
