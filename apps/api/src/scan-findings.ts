import type { CatalogScan } from '@holdfast/catalog';
import { DRIFT_OUTCOMES, type Finding, findingSchema, HoldfastError } from '@holdfast/domain';
import { dataPaths } from '@holdfast/storage';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** One finding and where it stands, which is where a page goes on. */
export interface PlacedFinding {
  readonly finding: Finding;
  /** The offset after it, in bytes. */
  readonly end: number;
}

/** Where all findings of a scan are, on the node that made it, for 30 days; null: not here. */
export function findingsFileOf(dataDir: string, scan: Pick<CatalogScan, 'id'>): string | null {
  const file = join(dataPaths(dataDir).scans, `${scan.id}.ndjson`);
  return existsSync(file) ? file : null;
}

/**
 * The findings from an offset on, one at a time; a line that is still being written is not given.
 * @throws INTERNAL where the file is not what a scan writes
 */
export async function* readFindings(file: string, from: number): AsyncGenerator<PlacedFinding> {
  let end = from;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { start: from }) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let begin = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, begin)) {
      end += at + 1 - begin;
      yield { finding: parseFinding(rest.subarray(begin, at).toString(), file), end };
      begin = at + 1;
    }
    rest = rest.subarray(begin);
    // Many findings are read for one answer; other requests are served meanwhile.
    await setImmediate();
  }
}

const NEWLINE = 10;

function parseFinding(line: string, file: string): Finding {
  try {
    return findingSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new HoldfastError('INTERNAL', `A line of ${file} is no finding, so the rest was not read.`, {
      cause: error,
    });
  }
}

export interface FindingsFilter {
  readonly side?: Finding['side'] | undefined;
  readonly outcome?: readonly Finding['outcome'][] | undefined;
  /** A string prefix of the path. */
  readonly prefix?: string | undefined;
}

export const isMeant =
  ({ side, outcome, prefix = '' }: FindingsFilter) =>
  (finding: Finding): boolean =>
    (side === undefined || finding.side === side) &&
    (outcome === undefined || outcome.includes(finding.outcome)) &&
    finding.path.startsWith(prefix);

export const FOUND_OUTCOMES = DRIFT_OUTCOMES.filter((outcome) => outcome !== 'same');
type FoundCounts = Record<Finding['outcome'], number>;

export const noneFound = (): FoundCounts => ({
  missing: 0,
  orphan: 0,
  different: 0,
  unreadable: 0,
  foreign: 0,
});

export interface DirectoryCounts {
  /** With its `/`; what lies directly in the prefix is counted under the prefix itself. */
  readonly directory: string;
  readonly count: number;
  readonly local: FoundCounts;
  readonly cdn: FoundCounts;
}

/** Findings are counted for so many directories; those of all others together. */
const MAX_DIRECTORIES = 10_000;

/** Counts findings by the directory below `prefix` that they are in, in memory that does not grow with them. */
export class FindingsByDirectory {
  readonly #prefix: string;
  readonly #directories = new Map<string, { local: FoundCounts; cdn: FoundCounts }>();
  readonly total = { local: noneFound(), cdn: noneFound() };
  readonly others = { local: noneFound(), cdn: noneFound() };

  /** @param prefix  empty, or a directory with its `/` */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add({ side, outcome, path }: Finding): void {
    this.total[side][outcome] += 1;
    this.#countsOf(path)[side][outcome] += 1;
  }

  #countsOf(path: string): { local: FoundCounts; cdn: FoundCounts } {
    // A directory that is a finding itself (`units/`) belongs to the one it is in.
    const slash = path.indexOf('/', this.#prefix.length);
    const isInside = slash !== -1 && slash < path.length - 1;
    const directory = isInside ? path.slice(0, slash + 1) : this.#prefix;
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    if (this.#directories.size >= MAX_DIRECTORIES) return this.others;
    const counts = { local: noneFound(), cdn: noneFound() };
    this.#directories.set(directory, counts);
    return counts;
  }

  /** Those with the most findings first; what is left out is in `others` then. */
  largest(limit: number): DirectoryCounts[] {
    const all = [...this.#directories].map(([directory, { local, cdn }]) => ({
      directory,
      count: sum(local) + sum(cdn),
      local,
      cdn,
    }));
    all.sort((one, other) => other.count - one.count || (one.directory < other.directory ? -1 : 1));
    for (const { local, cdn } of all.slice(limit)) {
      for (const outcome of FOUND_OUTCOMES) {
        this.others.local[outcome] += local[outcome];
        this.others.cdn[outcome] += cdn[outcome];
      }
    }
    return all.slice(0, limit);
  }
}

const sum = (counts: FoundCounts): number =>
  FOUND_OUTCOMES.reduce((total, outcome) => total + counts[outcome], 0);
