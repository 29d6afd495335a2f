import {
  type Clock,
  countDrift,
  type EventStore,
  hasCode,
  HoldfastError,
  MAX_FINDINGS_BYTES,
  newEventId,
  scanParametersSchema,
  toHoldfastError,
} from '@holdfast/domain';
import type { Catalog } from '@holdfast/catalog';
import type { AlertBoard } from '@holdfast/health';
import type { MaxRepairs } from '@holdfast/settings';
import { findMismatch, Quarantine, type ContentReader } from '@holdfast/storage';
import { BucketIdentity } from '../cdn/bucket-identity.ts';
import { type JobRun, metadataOf, readParameters, type RunJob } from '../jobs/job.ts';
import type { LocalProjector } from '../local/local-projector.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { untilAnswered } from '../runtime/until-answered.ts';
import { DriftLog } from './drift-log.ts';
import { FindingsFile, removeOldFindings } from './findings-file.ts';
import { nothingRepaired, repair, type Repaired } from './repair.ts';
import { CATALOG_PATIENCE_MS, scan, type ScanPorts, type ScanResult } from './scan.ts';
import { tellDrift } from './tell-drift.ts';

export interface ScanJobPorts extends ScanPorts {
  readonly store: EventStore;
  readonly catalog: Catalog;
  readonly content: ContentReader;
  readonly local: Pick<LocalProjector, 'materialiseAgain' | 'exclusively' | 'status'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly alerts: AlertBoard;
  readonly node: string;
  readonly maxRepairs: MaxRepairs;
  /** How long a repair waits for the bucket's projector, for each page of what it asked for. */
  readonly patienceMs: number;
}

/** How often a scan begins again when a replay replaces what it compares. */
const MAX_ATTEMPTS = 3;
const MAX_INTERRUPTED = 100;

/**
 * A scan, and the repair that was asked for with it. One that a crash cut short is recorded as aborted, and begins
 * again. Counts `compared`, `drift`, and what was repaired.
 * @throws what `scan` throws, once `ScanAborted` is recorded; what `repair` throws, once it is told what is left
 */
export const scanJob =
  (ports: ScanJobPorts): RunJob =>
  async (run) => {
    await abortInterrupted(ports, run);
    removeOldFindings(ports.dataDir, ports.clock.now());
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await runOnce(ports, run);
      } catch (error) {
        if (!hasCode(error, 'GENERATION_REPLACED') || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  };

async function runOnce(ports: ScanJobPorts, run: JobRun): Promise<Record<string, number>> {
  const { store, clock, dataDir, node } = ports;
  const { kind, sides, repair: wanted, confirmedOrphans } = readParameters(run, scanParametersSchema);
  const { signal } = run;
  const scanId = newEventId();
  const metadata = (now: Date) => metadataOf(run, now);
  const driftLog = new DriftLog({ ...ports, signal }, { scanId, node, kind, metadata });
  const findings = new FindingsFile(dataDir, scanId);
  const startedAt = clock.now().getTime();
  await driftLog.started({ jobId: run.job.id, repair: wanted, position: await store.head() });
  let result: ScanResult;
  /** For the other nodes, which do not see this one's files; null: its report has them all. */
  let lines: Buffer | null;
  try {
    await refuseOtherLog(ports, signal);
    findings.begin();
    const scanned = await scan(ports, {
      kind,
      sides,
      signal,
      onFindings: (page) => {
        findings.append(page);
      },
      onUnsettled: (side, path) => {
        driftLog.unsettled(side, path);
      },
      onProgress: (done, total) => {
        run.onProgress({ phase: 'comparing', done, total });
      },
    });
    result = scanned.result;
    for await (const page of findings.pages(500)) await driftLog.detected(page);
    if (kind !== 'quick') await driftLog.closeOthers(scanned.isWhole);
    const isAllListed = result.findings.length === result.findingCount;
    lines = isAllListed ? null : findings.firstLines(MAX_FINDINGS_BYTES);
  } catch (error) {
    // A process that ends leaves that to the next one, which begins the scan again.
    signal.throwIfAborted();
    await driftLog.aborted(toHoldfastError(error));
    throw error;
  }
  const durationMs = Math.max(0, clock.now().getTime() - startedAt);
  const position = await untilAnswered({ clock, signal }, () => store.head());
  if (position === null) throw signal.reason;
  await driftLog.completed({ ...result, position, durationMs }, lines);
  const repaired = nothingRepaired();
  const repairing = {
    ...ports,
    driftLog,
    quarantine: new Quarantine(dataDir),
    scanId,
    metadata,
    signal,
    refuseOtherLog: () => refuseOtherLog(ports, signal),
  };
  const request = {
    repair: wanted,
    confirmedOrphans,
    findings,
    onProgress: (phase: string, done: number): void => {
      run.onProgress({ phase, done, total: result.findingCount });
    },
  };
  try {
    await repair(repairing, request, repaired);
  } finally {
    // What a failure left is drift; a process that ends leaves the rest to the next one, which begins again.
    if (!signal.aborted) tellDrift(ports, { kind, result, repaired });
  }
  return countsOf(result, repaired);
}

const countsOf = (result: ScanResult, repaired: Repaired): Record<string, number> => ({
  drift: countDrift(result.counts),
  foreign: result.counts.cdn.foreign,
  unsettled: result.unsettled,
  ...repaired,
});

/** @throws LOG_MISMATCH; a bucket that does not answer is told of by the scan itself */
async function refuseOtherLog(ports: ScanJobPorts, signal: AbortSignal): Promise<void> {
  const { dataDir, store, content, bucket, logId, clock, local } = ports;
  // It looked before anything was appended: since then an older log may have grown past what the files were made from.
  const { state, reason } = local.status();
  if (state === 'stopped') throw stoppedLocally(reason ?? '');
  const mismatch = await findMismatch({ dataDir, store, reader: content });
  if (mismatch !== null) throw mismatch;
  const identity = new BucketIdentity(bucket, {
    logId,
    clock,
    signal,
    onUnclaimed: () => Promise.resolve(),
  });
  try {
    await identity.check();
  } catch (error) {
    if (hasCode(error, 'LOG_MISMATCH')) throw error;
  }
}

const stoppedLocally = (reason: string): HoldfastError =>
  new HoldfastError(
    reason.startsWith('LOG_MISMATCH') ? 'LOG_MISMATCH' : 'LOCAL_FILE_NOT_READY',
    `Nothing was compared or repaired, as the local projector has stopped: ${reason}`,
  );

async function abortInterrupted(ports: ScanJobPorts, run: JobRun): Promise<void> {
  const { store, catalog, clock, node } = ports;
  const { signal } = run;
  const head = await untilAnswered({ clock, signal }, () => store.head());
  signal.throwIfAborted();
  if (head !== null) await catalog.reached(head, { timeoutMs: CATALOG_PATIENCE_MS, signal });
  for (const { id, kind } of catalog.scans({ node, state: 'running', limit: MAX_INTERRUPTED })) {
    const metadata = (now: Date) => metadataOf(run, now);
    await new DriftLog({ ...ports, signal }, { scanId: id, node, kind, metadata }).aborted(INTERRUPTED);
  }
}

const INTERRUPTED: Pick<HoldfastError, 'code' | 'message'> = {
  code: 'INTERNAL',
  message: 'The process ended before the scan did. It begins again.',
};
