import type { CatalogScan } from '@holdfast/catalog';
import {
  DRIFT_OUTCOMES,
  type EventStore,
  type Finding,
  findingSchema,
  HoldfastError,
} from '@holdfast/domain';
import { dataPaths } from '@holdfast/storage';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** One finding and where it stands, which is where a page goes on. */
export interface PlacedFinding {
  readonly finding: Finding;
  /** The offset after it, in bytes. */
  readonly end: number;
}

/** What is known here of a scan's findings, one in a line. */
export interface KnownFindings {
  /** Where they come from, for errors. */
  readonly source: string;
  /** @param from  an offset in bytes, the same on every node */
  readonly read: (from: number) => Readable;
  /** Whether these are all. */
  readonly isComplete: boolean;
}

/**
 * Of the file that the node which made the scan keeps for 30 days; elsewhere what the log has, which is everything
 * but of the largest.
 * @throws EVENT_STORE_UNAVAILABLE
 */
export async function knownFindings(
  { dataDir, store }: { dataDir: string; store: Pick<EventStore, 'readAt'> },
  { id, report, endedPosition }: CatalogScan,
): Promise<KnownFindings> {
  const file = join(dataPaths(dataDir).scans, `${id}.ndjson`);
  // One that has not come to its end has not told all that it found.
  const isReported = report !== null;
  if (existsSync(file)) {
    return { source: file, read: (start) => createReadStream(file, { start }), isComplete: isReported };
  }
  const source = `the report of scan ${id}`;
  if (!isReported || endedPosition === null) {
    return { source, read: () => Readable.from([]), isComplete: false };
  }
  const [event] =
    report.findings.length === report.findingCount
      ? []
      : await store.readAt([endedPosition], { withBodies: true });
  const body = event?.type === 'ScanCompleted' ? event.body : undefined;
  const lines = Buffer.from(
    body ?? report.findings.map((finding) => `${JSON.stringify(finding)}\n`).join(''),
  );
  return {
    source,
    read: (from) => Readable.from([lines.subarray(from)]),
    isComplete: countLines(lines) === report.findingCount,
  };
}

const NEWLINE = 10;

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/**
 * The findings from an offset on, one at a time; a line that is still being written is not given.
 * @throws INTERNAL where a line is not what a scan writes
 */
export async function* readFindings(
  { source, read }: KnownFindings,
  from: number,
): AsyncGenerator<PlacedFinding> {
  let end = from;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of read(from) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let begin = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, begin)) {
      end += at + 1 - begin;
      yield { finding: parseFinding(rest.subarray(begin, at).toString(), source), end };
      begin = at + 1;
    }
    rest = rest.subarray(begin);
    // Many findings are read for one answer; other requests are served meanwhile.
    await setImmediate();
  }
}

function parseFinding(line: string, source: string): Finding {
  try {
    return findingSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new HoldfastError('INTERNAL', `A line of ${source} is no finding, so the rest was not read.`, {
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
  /** With its `/`; what lies directly in the one above is counted under that. */
  readonly directory: string;
  readonly count: number;
  readonly local: FoundCounts;
  readonly cdn: FoundCounts;
}

/** Findings are counted for so many directories; those of all others together. */
const MAX_DIRECTORIES = 10_000;

/** Counts findings by the directory below another one that they are in, in memory that does not grow with them. */
export class FindingsByDirectory {
  readonly #above: string;
  readonly #directories = new Map<string, { local: FoundCounts; cdn: FoundCounts }>();
  readonly total = { local: noneFound(), cdn: noneFound() };
  readonly others = { local: noneFound(), cdn: noneFound() };

  /** @param above  with its `/`; empty: all are below it */
  constructor(above: string) {
    this.#above = above;
  }

  add({ side, outcome, path }: Finding): void {
    this.total[side][outcome] += 1;
    this.#countsOf(path)[side][outcome] += 1;
  }

  #countsOf(path: string): { local: FoundCounts; cdn: FoundCounts } {
    // A directory that is a finding itself (`units/`) belongs to the one it is in.
    const slash = path.indexOf('/', this.#above.length);
    const isInside = slash !== -1 && slash < path.length - 1;
    const directory = isInside ? path.slice(0, slash + 1) : this.#above;
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
