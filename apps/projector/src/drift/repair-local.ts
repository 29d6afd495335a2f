import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  type ContentPath,
  type Finding,
  type HoldfastError,
  judgeDocument,
  type LocalEntry,
  toHoldfastError,
} from '@holdfast/domain';
import { documentOf, lookAt, type Quarantine } from '@holdfast/storage';
import type { Catalog } from '@holdfast/catalog';
import type { LocalProjector } from '../local/local-projector.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { DriftLog } from './drift-log.ts';
import { toExpected } from './expected.ts';

export interface LocalRepairPorts {
  readonly catalog: Pick<Catalog, 'document' | 'replication'>;
  readonly local: Pick<LocalProjector, 'materialiseAgain' | 'exclusively'>;
  readonly quarantine: Quarantine;
  readonly driftLog: Pick<DriftLog, 'repaired'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly scanId: string;
  readonly signal: AbortSignal;
}

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
  const restored = await local.exclusively((root) =>
    files.filter((finding) => isMended(root, finding, ports)),
  );
  const remoded = await mendModes(directories, ports);
  await driftLog.repaired(restored, 'materialise');
  await driftLog.repaired(remoded, 'mode');
  return [...restored, ...remoded];
}

/** Looked at again: a disk may not keep what was written to it. */
function isMended(root: string, finding: Finding, ports: LocalRepairPorts): boolean {
  return publishedPath(finding, ports).some((path) => {
    const expected = toExpected(ports.catalog, ports.catalog.document(path)!);
    const entry = lookAt(root, path);
    const left = judgeDocument(expected, entry?.kind === 'directory' ? null : entry, entry?.previous ?? null);
    return left.every((other) => other.path !== finding.path);
  });
}

/** @returns what was moved */
export async function quarantineOrphans(
  findings: readonly Finding[],
  ports: LocalRepairPorts,
): Promise<readonly Finding[]> {
  const moved = await ports.local.exclusively((root) =>
    findings.filter((finding) => moveAway(root, finding, ports)),
  );
  await ports.driftLog.repaired(moved, 'quarantine');
  return moved;
}

function moveAway(root: string, { path, expected }: Finding, ports: LocalRepairPorts): boolean {
  const { quarantine, clock, scanId } = ports;
  const entry = lookAt(root, path);
  // Gone, or published since: then it is nobody's orphan any more.
  if (entry === null || expected !== null || isWanted(path, ports)) return entry === null;
  try {
    quarantine.moveHere(root, { ...entry, path } satisfies LocalEntry, { scanId, at: clock.now() });
    return true;
  } catch (error) {
    tellFailure(path, toHoldfastError(error), ports);
    return false;
  }
}

/** A document's own file; what lies beside it was looked at with it. */
const isWanted = (path: string, { catalog }: LocalRepairPorts): boolean =>
  documentOf(path) === path && catalog.document(path)?.status === 'published';

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
