import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  type ContentPath,
  type EventStore,
  type Finding,
  type HoldfastError,
  judgeDocument,
  previousPath,
  toHoldfastError,
} from '@holdfast/domain';
import { documentOf, lookAt, type Quarantine } from '@holdfast/storage';
import type { Catalog } from '@holdfast/catalog';
import type { LocalProjector } from '../local/local-projector.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { DriftLog } from './drift-log.ts';
import { toExpected } from './expected.ts';
import { fileOf, judgeExtraAgain } from './judge-again.ts';

export interface LocalRepairPorts {
  readonly store: Pick<EventStore, 'head'>;
  readonly catalog: Pick<Catalog, 'document' | 'documents' | 'replication' | 'reached'>;
  readonly local: Pick<LocalProjector, 'materialiseAgain' | 'exclusively'>;
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
  const directories = findings.filter(({ path, subject }) => subject === 'mode' && path.endsWith('/'));
  const files = findings.filter((finding) => !directories.includes(finding));
  const paths = [...new Set(files.flatMap((finding) => publishedPath(finding, ports)))];
  const failures = await local.materialiseAgain(paths);
  for (const [path, error] of failures) tellFailure(path, error, ports);
  const restored = await inTurn(ports, (root) => files.filter((finding) => isMended(root, finding, ports)));
  const remoded = await mendModes(directories, ports);
  await driftLog.repaired(restored, 'materialise');
  await driftLog.repaired(remoded, 'mode');
  return [...restored, ...remoded];
}

/** Looked at again: a disk may not keep what was written to it. */
const isMended = (root: string, finding: Finding, ports: LocalRepairPorts): boolean =>
  publishedPath(finding, ports).length > 0 && judgeNow(root, finding, ports) === null;

/** @returns what was moved, and what is no orphan any more */
export async function quarantineOrphans(
  findings: readonly Finding[],
  ports: LocalRepairPorts,
): Promise<readonly Finding[]> {
  const moved: Finding[] = [];
  const settled: Finding[] = [];
  await inTurn(ports, (root) => {
    for (const finding of findings) {
      // Since the scan it may have gone, or become what the log wants.
      const now = judgeNow(root, finding, ports);
      if (now === null) settled.push(finding);
      else if (now.outcome !== 'orphan' || now.subject !== finding.subject) continue;
      else if (moveAway(root, finding, ports)) moved.push(finding);
    }
  });
  await ports.driftLog.repaired(moved, 'quarantine');
  await ports.driftLog.repaired(settled, 'none');
  return [...moved, ...settled];
}

function moveAway(root: string, { path }: Finding, ports: LocalRepairPorts): boolean {
  const { quarantine, clock, scanId } = ports;
  try {
    const entry = lookAt(root, path);
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
  work: (root: string) => T,
): Promise<T> =>
  local.exclusively(async (root) => {
    await catalog.reached(await store.head(), { timeoutMs: CATALOG_PATIENCE_MS, signal });
    return work(root);
  });

/** What is wrong by now at the path of a finding; null: nothing. */
function judgeNow(root: string, { path }: Finding, { catalog }: LocalRepairPorts): Finding | null {
  const base = documentOf(path);
  const document = base === null ? null : catalog.document(base);
  const isOwn = base !== null && (path === base || path === previousPath(base));
  if (document?.status !== 'published' || !isOwn) {
    const verdict = judgeExtraAgain(lookAt(root, path), { catalog });
    return findingAt(path, verdict.is === 'drift' ? verdict.findings : []);
  }
  const there = fileOf(lookAt(root, base));
  const previous = there?.previous ?? fileOf(lookAt(root, previousPath(base)));
  return findingAt(path, judgeDocument(toExpected(catalog, document), there, previous));
}

const findingAt = (path: string, findings: readonly Finding[]): Finding | null =>
  findings.find((finding) => finding.path === path) ?? null;

async function mendModes(findings: readonly Finding[], ports: LocalRepairPorts): Promise<readonly Finding[]> {
  if (findings.length === 0) return [];
  return ports.local.exclusively((root) =>
    findings.filter(({ path }) => {
      try {
        const directory = join(root, path.slice(0, -1));
        if (!lstatSync(directory).isDirectory()) return false;
        chmodSync(directory, 0o755);
        return true;
      } catch (error) {
        tellFailure(path, toHoldfastError(error), ports);
        return false;
      }
    }),
  );
}

function publishedPath({ path }: Finding, { catalog }: LocalRepairPorts): ContentPath[] {
  const base = documentOf(path);
  const document = base === null ? null : catalog.document(base);
  return document?.status === 'published' ? [document.path] : [];
}

function tellFailure(path: string, error: HoldfastError, { log }: LocalRepairPorts): void {
  log.error({ path, code: error.code }, `${path} could not be repaired: ${error.message}`);
}
