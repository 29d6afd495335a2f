import {
  type Clock,
  type EventStore,
  hasCode,
  HoldfastError,
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
} from '@holdfast/storage';
import { existsSync, lstatSync } from 'node:fs';
import { Materialiser } from './materialise.ts';
import { checkVersion } from './read-version.ts';

const SAMPLE = 100;

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
    refuseAhead(dataDir, name, stored, head);
    const generation = openGeneration(ports, name);
    const { checkpoint } = generation.index;
    try {
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

/** The checkpoint and the intents, without opening the index for writing; null where there is none. */
function readPositions(dataDir: string, name: GenerationName): Position[] | null {
  let reader: IndexReader | null = null;
  try {
    reader = IndexReader.open(dataDir, name);
    if (reader === null) return null;
    const checkpoint = reader.checkpoint();
    return [...(checkpoint === null ? [] : [checkpoint]), ...reader.intentPositions()];
  } catch (error) {
    // An older schema, which opening it for writing brings up to date.
    if (hasCode(error, 'STORAGE_UNAVAILABLE') && typeof error.context['found'] === 'number') return [];
    throw error;
  } finally {
    reader?.close();
  }
}

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
