import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  type ContentPath,
  type EventStore,
  type Finding,
  type HoldfastError,
  judgeDocument,
  type LocalEntry,
  previousPath,
  toHoldfastError,
} from '@holdfast/domain';
import { documentOf, type Quarantine, type WalkThread } from '@holdfast/storage';
import type { Catalog } from '@holdfast/catalog';
import type { LocalProjector } from '../local/local-projector.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { DriftLog } from './drift-log.ts';
import { toExpected } from './expected.ts';
import { fileOf, judgeExtraAgain, pathsToLookAt } from './judge-again.ts';

export interface LocalRepairPorts {
  readonly store: Pick<EventStore, 'head'>;
  readonly catalog: Pick<Catalog, 'document' | 'documents' | 'replication' | 'reached'>;
  readonly local: Pick<LocalProjector, 'materialiseAgain' | 'exclusively'>;
  readonly thread: Pick<WalkThread, 'look'>;
  readonly quarantine: Quarantine;
  readonly driftLog: Pick<DriftLog, 'repaired'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly scanId: string;
  readonly signal: AbortSignal;
}

/** Nothing is written to the local files meanwhile. */
const CATALOG_PATIENCE_MS = 10_000;

/**
 * Has the local projector write files again from the log, `.prev` included.
 * @returns those that are as they should be now
 */
export async function restoreLocally(
  findings: readonly Finding[],
  ports: LocalRepairPorts,
): Promise<readonly Finding[]> {
  const { local, driftLog } = ports;
  // One that cannot be read is told as such, whatever its mode.
  const isDirectory = ({ path, subject }: Finding): boolean =>
    path.endsWith('/') && (subject === 'mode' || subject === 'directory');
  const directories = findings.filter(isDirectory);
  const files = findings.filter((finding) => !isDirectory(finding));
  const paths = [...new Set(files.flatMap((finding) => publishedPath(finding, ports)))];
  const failures = await local.materialiseAgain(paths);
  for (const [path, error] of failures) tellFailure(path, error, ports);
  const standings = await inTurn(ports, (root) => {
    for (const { path } of directories) giveMode(join(root, path.slice(0, -1)), path, ports);
    // Looked at again: a disk may not keep what was written to it.
    return lookNow(root, findings, ports);
  });
  const mended = findingsOf(standings.filter(({ now }) => now === null));
  await driftLog.repaired(
    mended.filter((finding) => !isDirectory(finding)),
    'materialise',
  );
  await driftLog.repaired(mended.filter(isDirectory), 'mode');
  return mended;
}

/** @returns what was moved, and what is no orphan any more */
export async function quarantineOrphans(
  findings: readonly Finding[],
  ports: LocalRepairPorts,
): Promise<readonly Finding[]> {
  const moved: Standing[] = [];
  const settled: Standing[] = [];
  await inTurn(ports, async (root) => {
    for (const standing of await lookNow(root, findings, ports)) {
      const { finding, now } = standing;
      // Since the scan it may have gone, or become what the log wants.
      if (now === null) settled.push(standing);
      else if (now.outcome !== 'orphan' || now.subject !== finding.subject) continue;
      else if (moveAway(root, standing, ports)) moved.push(standing);
    }
  });
  await ports.driftLog.repaired(findingsOf(moved), 'quarantine');
  await ports.driftLog.repaired(findingsOf(settled), 'none');
  return findingsOf([...moved, ...settled]);
}

function moveAway(root: string, { finding: { path }, entry }: Standing, ports: LocalRepairPorts): boolean {
  const { quarantine, clock, scanId } = ports;
  try {
    if (entry !== null) quarantine.moveHere(root, { ...entry, path }, { scanId, at: clock.now() });
    return true;
  } catch (error) {
    tellFailure(path, toHoldfastError(error), ports);
    return false;
  }
}

/** Runs while nobody writes to the local files, with a catalog that knows all that was written. */
const inTurn = <T>(
  { local, store, catalog, signal }: LocalRepairPorts,
  work: (root: string) => Promise<T>,
): Promise<T> =>
  local.exclusively(async (root) => {
    await catalog.reached(await store.head(), { timeoutMs: CATALOG_PATIENCE_MS, signal });
    return work(root);
  });

/** What became of a finding. */
interface Standing {
  readonly finding: Finding;
  /** What is wrong at its path by now; null: nothing. */
  readonly now: Finding | null;
  /** What stands there; null: nothing. */
  readonly entry: LocalEntry | null;
}

async function lookNow(
  root: string,
  findings: readonly Finding[],
  { catalog, thread }: LocalRepairPorts,
): Promise<Standing[]> {
  const paths = [...new Set(findings.flatMap(({ path }) => pathsToLookAt(path)))];
  const entries = await thread.look(root, paths);
  const there = new Map(paths.map((path, index) => [path, entries[index] ?? null]));
  return findings.map((finding) => {
    const entry = there.get(finding.path) ?? null;
    return { finding, entry, now: judgeNow(finding.path, there, catalog) };
  });
}

function judgeNow(
  path: string,
  there: ReadonlyMap<string, LocalEntry | null>,
  catalog: LocalRepairPorts['catalog'],
): Finding | null {
  const base = documentOf(path);
  const document = base === null ? null : catalog.document(base);
  const isOwn = base !== null && (path === base || path === previousPath(base));
  if (document?.status !== 'published' || !isOwn) {
    const verdict = judgeExtraAgain(there.get(path) ?? null, { catalog });
    return findingAt(path, verdict.is === 'drift' ? verdict.findings : []);
  }
  const found = fileOf(there.get(base) ?? null);
  const previous = found?.previous ?? fileOf(there.get(previousPath(base)) ?? null);
  return findingAt(path, judgeDocument(toExpected(catalog, document), found, previous));
}

const findingAt = (path: string, findings: readonly Finding[]): Finding | null =>
  findings.find((finding) => finding.path === path) ?? null;

const findingsOf = (standings: readonly Standing[]): Finding[] => standings.map(({ finding }) => finding);

function giveMode(directory: string, path: string, ports: LocalRepairPorts): void {
  try {
    if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) chmodSync(directory, 0o755);
  } catch (error) {
    tellFailure(path, toHoldfastError(error), ports);
  }
}

function publishedPath({ path }: Finding, { catalog }: LocalRepairPorts): ContentPath[] {
  const base = documentOf(path);
  const document = base === null ? null : catalog.document(base);
  return document?.status === 'published' ? [document.path] : [];
}

function tellFailure(path: string, error: HoldfastError, { log }: LocalRepairPorts): void {
  log.error({ path, code: error.code }, `${path} could not be repaired: ${error.message}`);
}
