import type { Catalog } from '@holdfast/catalog';
import {
  type Clock,
  type DriftSide,
  type EventData,
  type EventStore,
  type Finding,
  HoldfastError,
  type ListedObject,
  type LocalEntry,
  mergeListings,
  type ObjectStore,
  type ScanKind,
  type ScanSides,
  toHoldfastError,
} from '@holdfast/domain';
import { type ContentReader, diskSpace, generationRoot, WalkThread } from '@holdfast/storage';
import { type Compared, Comparison, type ComparisonPorts } from './comparison.ts';
import { type Expected, expectedPages, unreadableStreams } from './expected.ts';
import { Pace } from './pace.ts';
import { sampleDocuments } from './sample.ts';

export interface ScanPorts {
  readonly store: EventStore;
  readonly catalog: Pick<
    Catalog,
    | 'document'
    | 'documents'
    | 'documentCounts'
    | 'replication'
    | 'replicationCounts'
    | 'reached'
    | 'unreadable'
    | 'onChange'
  >;
  readonly content: Pick<ContentReader, 'generation' | 'checkpoint' | 'recorded'>;
  readonly bucket: ObjectStore;
  readonly clock: Clock;
  readonly dataDir: string;
  readonly logId: string;
  /** Between 0 and 1. */
  readonly random: () => number;
}

export interface ScanRun {
  readonly kind: ScanKind;
  readonly sides: ScanSides;
  readonly signal: AbortSignal;
  readonly onFindings: (findings: readonly Finding[]) => void;
  /** Told of each document that is on its way, so that nothing can be said of it. */
  readonly onUnsettled: (side: DriftSide, path: string) => void;
  /** Told how many documents were compared. */
  readonly onProgress: (done: number, total: number) => void;
}

/** What its report says. */
export type ScanResult = Pick<
  EventData<'ScanCompleted'>,
  'sides' | 'counts' | 'roots' | 'unsettled' | 'findingCount' | 'findings' | 'disk'
>;

/**
 * Compared at a time, so that whoever publishes gets a turn within a millisecond or two. What waits meanwhile is little
 * too, and seldom grows so old that collecting it stops everybody.
 */
const PAGE = 25;
const SAMPLE = 100;
export const CATALOG_PATIENCE_MS = 60_000;

/**
 * Compares the log with the local files and, where it is to, with the bucket, and changes nothing.
 * @returns the report, and of which sides everything could be looked at
 * @throws GENERATION_REPLACED, LOCAL_FILE_NOT_READY, EVENT_STORE_UNAVAILABLE, CATALOG_LAGGING, STORAGE_UNAVAILABLE; an
 *         `AbortError`
 */
export async function scan(
  ports: ScanPorts,
  run: ScanRun,
): Promise<{ result: ScanResult } & Pick<Comparison, 'isWhole'>> {
  const { store, catalog, content, dataDir } = ports;
  const { kind, signal } = run;
  // A catalog that is still being built would take everything it does not know for an orphan.
  await catalog.reached(await store.head(), { timeoutMs: CATALOG_PATIENCE_MS, signal });
  const generation = content.generation();
  if (generation === null) throw noGeneration(dataDir);
  const thread = new WalkThread();
  const pace = new Pace(ports);
  try {
    const comparison = await begin(ports, run, { generation, thread });
    const compare = kind === 'quick' ? compareSample : compareAll;
    await compare(ports, run, { comparison, thread, generation, pace });
    const { counts, findings, findingCount, unsettled, isWhole } = comparison;
    const none = { expected: null, local: null, cdn: null };
    const roots = kind === 'quick' ? none : comparison.roots();
    const { sides } = run;
    const disk = readDisk(dataDir);
    return { result: { sides, counts, roots, unsettled, findings, findingCount, disk }, isWhole };
  } finally {
    pace.end();
    await thread.close();
  }
}

async function begin(
  ports: ScanPorts,
  { kind, sides, signal, onFindings, onUnsettled }: ScanRun,
  { generation, thread }: { generation: string; thread: WalkThread },
): Promise<Comparison> {
  const { catalog, bucket } = ports;
  let etagIsMd5 = false;
  let failure: HoldfastError | null = null;
  try {
    if (sides === 'both') ({ etagIsMd5 } = await bucket.capabilities({ signal }));
  } catch (error) {
    failure = toHoldfastError(error);
  }
  const telling = { onFindings, onUnsettled };
  const comparing: ComparisonPorts = {
    ...ports,
    thread,
    signal,
    etagIsMd5,
    unreadableStreams: unreadableStreams(catalog),
    ...telling,
  };
  const comparison = new Comparison(comparing, {
    generation,
    sides,
    asksForObjects: kind !== 'full',
    downloads: kind !== 'full',
  });
  if (failure !== null) comparison.giveUpBucket(failure);
  return comparison;
}

interface Comparing {
  readonly comparison: Comparison;
  readonly thread: WalkThread;
  readonly generation: string;
  readonly pace: Pace;
}

async function compareAll(
  { catalog, bucket, dataDir }: ScanPorts,
  { sides, signal, onProgress }: ScanRun,
  { comparison, thread, generation, pace }: Comparing,
): Promise<void> {
  const total = catalog.documentCounts().published;
  const pages = mergeListings(
    {
      expected: { pages: expectedPages(catalog), pathOf: ({ path }: Expected) => path },
      local: {
        pages: thread.pages(generationRoot(dataDir, generation)),
        pathOf: ({ path }: LocalEntry) => path,
      },
      remote: {
        pages: sides === 'both' ? objectPages(bucket, comparison, signal) : noPages(),
        pathOf: ({ key }: ListedObject) => key,
      },
    },
    PAGE,
  );
  for await (const page of pages) {
    signal.throwIfAborted();
    await comparison.compare(page);
    onProgress(comparison.compared, Math.max(total, comparison.compared));
    await pace.rest(signal);
  }
}

/** FR-015: of what should exist, not of what does. */
async function compareSample(
  { catalog, dataDir, random }: ScanPorts,
  { signal, onProgress }: ScanRun,
  { comparison, thread, generation, pace }: Comparing,
): Promise<void> {
  const sample = await sampleDocuments(catalog, { size: SAMPLE, random, signal, pace });
  const paths = sample.map(({ path }) => path);
  const entries = await thread.look(generationRoot(dataDir, generation), paths);
  const page = sample.map((expected, index): Compared => {
    const entry = entries[index] ?? null;
    return { path: expected.path, expected, local: entry?.kind === 'directory' ? null : entry, remote: null };
  });
  // In one piece: a bucket that is away is waited for once.
  await comparison.compare(page);
  onProgress(comparison.compared, sample.length);
}

/** Where the bucket does not answer, the listing ends and the comparison knows. */
async function* objectPages(
  bucket: ObjectStore,
  comparison: Comparison,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  for (let after: string | null = null; ;) {
    let page: Awaited<ReturnType<ObjectStore['list']>>;
    try {
      page = await bucket.list({ prefix: '', after, maxCount: bucket.objectsPerList, signal });
    } catch (error) {
      signal.throwIfAborted();
      return comparison.giveUpBucket(toHoldfastError(error));
    }
    yield page.objects;
    after = page.next;
    if (after === null) return;
  }
}

async function* noPages(): AsyncGenerator<readonly ListedObject[]> {
  // Nothing is listed.
}

function readDisk(dataDir: string): ScanResult['disk'] {
  try {
    const { freeBytes, totalBytes } = diskSpace(dataDir);
    return { freeBytes, totalBytes };
  } catch {
    return null;
  }
}

const noGeneration = (dataDir: string): HoldfastError =>
  new HoldfastError(
    'LOCAL_FILE_NOT_READY',
    `The local files in ${dataDir} cannot be compared: none have been built from the log yet. Scan again once "holdfast status" says that the local projector runs.`,
  );
