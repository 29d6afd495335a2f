import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Finding, findingSchema } from '@holdfast/domain';
import { dataPaths, errnoOf, fileFailure } from '@holdfast/storage';

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** All findings of one scan, one in a line: `scans/<scanId>.ndjson` in the data directory, for 30 days. */
export class FindingsFile {
  readonly #file: string;

  constructor(dataDir: string, scanId: string) {
    this.#file = join(dataPaths(dataDir).scans, `${scanId}.ndjson`);
  }

  /** Begins it; what an earlier scan of that id left is overwritten. @throws DISK_FULL, STORAGE_UNAVAILABLE */
  begin(): void {
    this.#translated('begin', () => {
      mkdirSync(join(this.#file, '..'), { recursive: true, mode: 0o755 });
      closeSync(openSync(this.#file, 'w', 0o644));
    });
  }

  /** @throws DISK_FULL, STORAGE_UNAVAILABLE */
  append(findings: readonly Finding[]): void {
    this.#translated('write to', () => {
      const fd = openSync(this.#file, 'a');
      try {
        const text = Buffer.from(findings.map((finding) => `${JSON.stringify(finding)}\n`).join(''));
        for (let at = 0; at < text.length;) at += writeSync(fd, text, at);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** In the order in which they were found, some at a time. @throws STORAGE_UNAVAILABLE */
  async *pages(size: number): AsyncGenerator<readonly Finding[]> {
    let page: Finding[] = [];
    for await (const line of this.#lines()) {
      page.push(findingSchema.parse(JSON.parse(line)));
      if (page.length < size) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  /** Split at the line feed alone: a path may have what other readers take for the end of a line (U+2028). */
  async *#lines(): AsyncGenerator<string> {
    let rest = '';
    try {
      for await (const chunk of createReadStream(this.#file, 'utf8') as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      throw fileFailure(error, { attempted: 'read', file: this.#file });
    }
  }

  /** As many lines from the beginning as fit, whole ones. @throws STORAGE_UNAVAILABLE */
  firstLines(maxBytes: number): Buffer {
    return this.#translated('read', () => {
      const fd = openSync(this.#file, 'r');
      try {
        const bytes = Buffer.alloc(Math.min(maxBytes, fstatSync(fd).size));
        let length = 0;
        for (let read = -1; read !== 0; length += read) {
          read = readSync(fd, bytes, length, bytes.length - length, length);
        }
        return bytes.subarray(0, bytes.lastIndexOf('\n', length) + 1);
      } finally {
        closeSync(fd);
      }
    });
  }

  #translated<Result>(attempted: string, run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw fileFailure(error, { attempted, file: this.#file });
    }
  }
}

/** What is left of a failure only takes room, so nothing is thrown. */
export function removeOldFindings(dataDir: string, now: Date): void {
  const { scans } = dataPaths(dataDir);
  try {
    for (const name of readdirSync(scans)) {
      const file = join(scans, name);
      if (name.endsWith('.ndjson') && now.getTime() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
