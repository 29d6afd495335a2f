import {
  type Clock,
  type ContentPath,
  contentStream,
  type EventStore,
  hasCode,
  HoldfastError,
  isOfOneStore,
  isPositionAtOrAfter,
  type LogEntry,
  type Position,
} from '@holdfast/domain';
import {
  ContentTree,
  type FileOperations,
  findLogIdentities,
  GenerationIndex,
  generationIndexFile,
  type GenerationName,
  generationRoot,
  IndexReader,
  liveGeneration,
  type RecordedEventRow,
} from '@holdfast/storage';
import { existsSync, lstatSync } from 'node:fs';
import { Materialiser } from './materialise.ts';
import { checkVersion } from './read-version.ts';

const SAMPLE = 100;
const READS_AT_ONCE = 32;

/** A generation that is written to. */
export interface OpenGeneration {
  readonly name: GenerationName;
  readonly index: GenerationIndex;
  readonly materialiser: Materialiser;
}

interface Ports {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly dataDir: string;
  readonly logId: string;
  readonly files?: FileOperations | undefined;
  /** See `Materialiser`. */
  readonly requireRoom?: (() => void) | undefined;
}

/** The generation's index must exist. Throws as `GenerationIndex.open`. */
export function openGeneration(ports: Ports, name: GenerationName): OpenGeneration {
  const { store, clock, dataDir, files, requireRoom } = ports;
  const index = GenerationIndex.open(generationIndexFile(dataDir, name));
  const tree = new ContentTree({
    root: generationRoot(dataDir, name),
    ...(files === undefined ? {} : { files }),
  });
  return { name, index, materialiser: new Materialiser({ store, clock, index, tree, requireRoom }) };
}

/**
 * Looks at what an earlier run left, before anything is written.
 * @returns the live generation, or why it has to be built again from the log
 * @throws LOG_MISMATCH, SCHEMA_TOO_NEW (fatal); DISK_FULL, STORAGE_UNAVAILABLE, EVENT_STORE_UNAVAILABLE
 */
export async function openLiveGeneration(ports: Ports): Promise<OpenGeneration | { rebuild: string }> {
  const { dataDir, logId, store } = ports;
  const others = findLogIdentities(dataDir).filter((id) => id !== logId);
  if (others.length > 0) throw otherLog(dataDir, logId, others);

  const name = liveGeneration(dataDir);
  if (name === null) return { rebuild: 'there is no live generation yet' };
  const head = await store.head();
  try {
    const stored = readPositions(dataDir, name);
    if (stored === null) return { rebuild: `the index of generation ${name} is missing` };
    const isOfAnotherStore = stored.some((position) => !isOfOneStore(position, head));
    if (!isOfAnotherStore) refuseAhead(dataDir, name, stored, head);
    const generation = openGeneration(ports, name);
    try {
      if (isOfAnotherStore) await relocate(ports, generation);
      const { checkpoint } = generation.index;
      if (checkpoint !== null) refuseAhead(dataDir, name, [checkpoint], head);
      const rebuild = await findDamage(ports, generation);
      if (rebuild === null) return generation;
      generation.index.close();
      return { rebuild };
    } catch (error) {
      generation.index.close();
      throw error;
    }
  } catch (error) {
    if (!hasCode(error, 'DATABASE_CORRUPT')) throw error;
    return { rebuild: `the index of generation ${name} is damaged (${error.message})` };
  }
}

/** The checkpoint, that of some file and the intents, without opening the index for writing; null where there is none. */
function readPositions(dataDir: string, name: GenerationName): Position[] | null {
  let reader: IndexReader | null = null;
  try {
    reader = IndexReader.open(dataDir, name);
    if (reader === null) return null;
    const single = [reader.checkpoint(), reader.anyPosition()].filter((position) => position !== null);
    return [...single, ...reader.intentPositions()];
  } catch (error) {
    // An older schema, which opening it for writing brings up to date.
    if (hasCode(error, 'STORAGE_UNAVAILABLE') && typeof error.context['found'] === 'number') return [];
    throw error;
  } finally {
    reader?.close();
  }
}

/**
 * The log was copied to another store, where everything has another position. No file is touched: each row is looked up in the
 * log, which must have the very version that the file was made of.
 * @throws LOG_MISMATCH, with the index as it was
 */
async function relocate({ store, dataDir }: Ports, { name, index }: OpenGeneration): Promise<void> {
  await index.relocate(async (rows) => {
    const positions: Position[] = [];
    for (let start = 0; start < rows.length; start += READS_AT_ONCE) {
      const some = rows.slice(start, start + READS_AT_ONCE);
      const found = await Promise.all(some.map((row) => positionOf(store, row)));
      for (const [number, position] of found.entries()) {
        if (position === null) throw otherCopy(dataDir, name, some[number] as RecordedEventRow);
        positions.push(position);
      }
    }
    return positions;
  });
}

/** @returns null where the log has no such event, or another one */
async function positionOf(store: EventStore, row: RecordedEventRow): Promise<Position | null> {
  const { path, version, sha256 } = row;
  const stream = path === null ? (row.stream ?? '') : contentStream(path as ContentPath);
  try {
    const [event] = await store.readStream(stream, { fromVersion: version, maxCount: 1 });
    if (event?.version !== version) return null;
    const isSame = sha256 === null || (event.type === 'ContentPublished' && event.data.sha256 === sha256);
    return isSame ? event.position : null;
  } catch (error) {
    if (!hasCode(error, 'EVENT_UNREADABLE')) throw error;
    return error.context['position'] as Position;
  }
}

const otherCopy = (
  dataDir: string,
  name: string,
  { path, stream, version }: RecordedEventRow,
): HoldfastError =>
  new HoldfastError(
    'LOG_MISMATCH',
    `Generation ${name} in ${dataDir} was made from version ${version} of ${path ?? stream}, which the event log, another store than before, has not: it is an older copy, or both were written to since. Nothing is written. Set HOLDFAST_EVENT_STORE back to the log that was used last, or, if what it has beyond is to be given up, move the generations directory and the content link away.`,
    { context: { dataDir, generation: name, path, stream, version } },
  );

async function findDamage(ports: Ports, { name, index }: OpenGeneration): Promise<string | null> {
  const root = generationRoot(ports.dataDir, name);
  if (!existsSync(root)) return `the directory of generation ${name} is missing`;
  const lost = index.sampleLive(SAMPLE).find(({ path, bytes }) => !isPlainFile(`${root}/${path}`, bytes));
  if (lost !== undefined) return `files of generation ${name} are missing or cut short, such as ${lost.path}`;
  for (const { position } of index.poison()) {
    const [event] = await ports.store.readAt([position], { withBodies: true });
    if (event !== undefined && !isPoison(event))
      return `position ${position}, unreadable before, can be read now`;
  }
  return null;
}

function isPlainFile(file: string, bytes: number): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === bytes;
}

const isPoison = (event: LogEntry): boolean =>
  event.type === 'Unreadable' ||
  (event.type === 'ContentPublished' && checkVersion(event).state === 'poison');

const otherLog = (dataDir: string, logId: string, others: readonly string[]): HoldfastError =>
  new HoldfastError(
    'LOG_MISMATCH',
    `The generations in ${dataDir} were built from the log ${others.join(', ')}, but the event log is ${logId}. Nothing is written. Put the right events.db back, or move the generations directory and the content link away to have them built from this log.`,
    { context: { dataDir, logId, found: others } },
  );

/** @throws LOG_MISMATCH */
function refuseAhead(dataDir: string, name: string, stored: readonly Position[], head: Position): void {
  const position = stored.find((each) => !isPositionAtOrAfter(head, each));
  if (position === undefined) return;
  throw new HoldfastError(
    'LOG_MISMATCH',
    `Generation ${name} in ${dataDir} was built up to position ${position}, but the event log ends at ${head}: it is an older copy. Nothing is written. Put the newer events.db back, or, if what came after is to be given up, move the generations directory and the content link away to have them built from this log.`,
    { context: { dataDir, generation: name, position, head } },
  );
}
