import { join } from 'node:path';
import type { Catalog } from '@holdfast/catalog';
import {
  type EventStore,
  type Finding,
  hasCode,
  HoldfastError,
  type Repair,
  toHoldfastError,
} from '@holdfast/domain';
import { allowedOrphans, type MaxRepairs } from '@holdfast/settings';
import { countInside, dataPaths, WalkThread } from '@holdfast/storage';
import type { DriftLog } from './drift-log.ts';
import type { FindingsFile } from './findings-file.ts';
import { type LocalRepairPorts, quarantineOrphans, restoreLocally } from './repair-local.ts';
import { deleteOrphans, Patience, type RemoteRepairPorts, replicateAgain } from './repair-remote.ts';

export interface RepairPorts extends Omit<LocalRepairPorts, 'thread'>, Omit<RemoteRepairPorts, 'patience'> {
  readonly store: EventStore;
  readonly catalog: LocalRepairPorts['catalog'] &
    RemoteRepairPorts['catalog'] &
    Pick<Catalog, 'documentCounts'>;
  readonly driftLog: Pick<DriftLog, 'repaired'>;
  readonly maxRepairs: MaxRepairs;
  readonly dataDir: string;
  /** Of the first wait for the bucket's projector. */
  readonly patienceMs: number;
  /**
   * Asked right before anything is touched.
   * @throws LOG_MISMATCH
   */
  readonly refuseOtherLog: () => Promise<void>;
}

export interface RepairRequest {
  readonly repair: Repair;
  readonly confirmedOrphans: number | null;
  readonly findings: Pick<FindingsFile, 'pages'>;
  readonly onProgress: (phase: string, done: number) => void;
}

/** What became of the findings; all zero where nothing was asked for. */
export interface Repaired {
  /** Written again from the log, and looked at since. */
  restored: number;
  /** Asked for from the bucket's projector, and put there since. */
  replicated: number;
  /** Moved away, or found to be no orphan any more. */
  quarantined: number;
  deleted: number;
  /** Findings that could not be mended, or not yet. */
  notRepaired: number;
  /** Orphans that were left alone, as they are more than the settings allow. */
  orphansLeft: number;
}

const PAGE = 64;
const LOCAL_RESTORES = new Set<Finding['outcome']>(['missing', 'different', 'unreadable']);
const REMOTE_RESTORES = new Set<Finding['outcome']>(['missing', 'different']);

export const nothingRepaired = (): Repaired => ({
  restored: 0,
  replicated: 0,
  quarantined: 0,
  deleted: 0,
  notRepaired: 0,
  orphansLeft: 0,
});

/**
 * Mends what a scan found (guarantee 7): restores what is missing or different; touches orphans only when asked, and
 * only where they are few on both sides.
 * @param repaired  counted up, also by one that throws
 * @throws LOG_MISMATCH, with nothing touched where the log was another from the start; LOCAL_FILE_NOT_READY, EVENT_STORE_UNAVAILABLE, EVENT_UNREADABLE,
 *         CATALOG_LAGGING, DISK_FULL, STORAGE_UNAVAILABLE
 */
export async function repair(ports: RepairPorts, request: RepairRequest, repaired: Repaired): Promise<void> {
  if (request.repair === 'none') return;
  const found = await countFindings(request, ports);
  if (found.all === 0) return;
  await ports.refuseOtherLog();
  refuseEmptyLog(ports, found);
  const mayTouch = request.repair === 'all' && mayTouchOrphans(ports, request, found);
  if (request.repair === 'all' && !mayTouch) repaired.orphansLeft = found.local + found.cdn;
  const run: RunPhase = async (phase, isMeant, mend, count) => {
    let done = 0;
    for await (const page of request.findings.pages(PAGE)) {
      ports.signal.throwIfAborted();
      const meant = page.filter(isMeant);
      if (meant.length === 0) continue;
      request.onProgress(phase, done);
      const mended = await mend(meant);
      count(mended.length);
      repaired.notRepaired += meant.length - mended.length;
      request.onProgress(phase, (done += meant.length));
    }
  };
  // A full disk is no reason to leave the bucket as it is, nor the other way round.
  const sides = [
    () => repairLocally(ports, { run, mayTouch, repaired }),
    () => repairRemotely(ports, { run, mayTouch, repaired }),
  ];
  const failures: unknown[] = [];
  for (const side of sides) {
    // What failed may have done so because the log is another by now.
    if (failures.length > 0) await ports.refuseOtherLog();
    try {
      await side();
    } catch (error) {
      ports.signal.throwIfAborted();
      if (hasCode(error, 'LOG_MISMATCH')) throw error;
      failures.push(error);
      const { code, message } = toHoldfastError(error);
      ports.log.error({ code }, `A repair left one side as it is: ${message}`);
    }
  }
  // The one that may pass says that trying again helps.
  const passing = failures.find((error) => toHoldfastError(error).kind === 'transient');
  if (failures.length > 0) throw passing ?? failures[0];
}

type RunPhase = (
  phase: string,
  isMeant: (finding: Finding) => boolean,
  mend: (findings: readonly Finding[]) => Promise<readonly Finding[]>,
  count: (mended: number) => void,
) => Promise<void>;

interface Phases {
  readonly run: RunPhase;
  readonly mayTouch: boolean;
  readonly repaired: Repaired;
}

async function repairLocally(ports: RepairPorts, { run, mayTouch, repaired }: Phases): Promise<void> {
  const thread = new WalkThread();
  const withThread = { ...ports, thread };
  try {
    if (mayTouch) {
      // First, as they may stand in the way of what is missing.
      await run(
        'moving orphans into quarantine',
        ({ side, outcome }) => side === 'local' && outcome === 'orphan',
        (findings) => quarantineOrphans(findings, withThread),
        (mended) => (repaired.quarantined += mended),
      );
    }
    await run(
      'restoring local files',
      ({ side, outcome }) => side === 'local' && LOCAL_RESTORES.has(outcome),
      (findings) => restoreLocally(findings, withThread),
      (mended) => (repaired.restored += mended),
    );
  } finally {
    await thread.close();
  }
}

async function repairRemotely(ports: RepairPorts, { run, mayTouch, repaired }: Phases): Promise<void> {
  const { driftLog } = ports;
  const withPatience = { ...ports, patience: new Patience(ports.patienceMs) };
  await run(
    'replicating again',
    ({ side, outcome, subject }) => side === 'cdn' && REMOTE_RESTORES.has(outcome) && subject !== 'listing',
    async (findings) => {
      const mended = await replicateAgain(findings, withPatience);
      await driftLog.repaired(mended, 'replicate');
      return mended;
    },
    (mended) => (repaired.replicated += mended),
  );
  if (!mayTouch) return;
  await run(
    'deleting orphans from the bucket',
    ({ side, outcome }) => side === 'cdn' && outcome === 'orphan',
    async (findings) => {
      const deleted = await deleteOrphans(findings, withPatience);
      await driftLog.repaired(deleted, 'delete');
      return deleted;
    },
    (deleted) => (repaired.deleted += deleted),
  );
}

interface OrphanCounts {
  local: number;
  cdn: number;
}

/** @returns all findings, and the orphans: everything below a directory that is one goes with it, and counts */
async function countFindings(
  { findings, repair: wanted }: RepairRequest,
  { dataDir, signal }: RepairPorts,
): Promise<OrphanCounts & { all: number }> {
  const counts = { local: 0, cdn: 0, all: 0 };
  for await (const page of findings.pages(PAGE)) {
    counts.all += page.length;
    for (const { side, outcome, path, subject } of page) {
      if (outcome !== 'orphan') continue;
      counts[side] += 1;
      if (wanted !== 'all' || side !== 'local' || subject !== 'directory') continue;
      counts.local += await countInside(join(dataPaths(dataDir).contentLink, path), signal);
    }
  }
  return counts;
}

function mayTouchOrphans(
  { catalog, maxRepairs, log }: RepairPorts,
  { confirmedOrphans }: RepairRequest,
  orphans: OrphanCounts,
): boolean {
  const { published } = catalog.documentCounts();
  const allowed = Math.max(allowedOrphans(maxRepairs, published), confirmedOrphans ?? 0);
  if (orphans.local <= allowed && orphans.cdn <= allowed) return true;
  log.warn(
    { ...orphans, allowed },
    `Orphans are left alone: ${orphans.local} local files and ${orphans.cdn} objects, but a repair may touch ${allowed} on each side (HOLDFAST_MAX_REPAIRS). If they are to go: "holdfast verify --repair --confirm ${Math.max(orphans.local, orphans.cdn)}".`,
  );
  return false;
}

/** A log that has never had a document cannot say that anything is an orphan. */
function refuseEmptyLog({ catalog }: RepairPorts, { local, cdn }: OrphanCounts): void {
  const { published, deleted } = catalog.documentCounts();
  if (published + deleted > 0 || local + cdn === 0) return;
  throw new HoldfastError(
    'LOG_MISMATCH',
    `Nothing was repaired: the event log has never had a document, but there are ${local} local files and ${cdn} objects. Put the right log back, or restore it from a backup; if they are really nobody's, move them away by hand.`,
    { context: { local, cdn } },
  );
}
