import type { ScanAnswer } from '@holdfast/api/types';

export interface Parity {
  readonly is: 'agree' | 'differ' | 'unknown' | 'none';
  /** The scan that says so; null: no scan of everything was completed. */
  readonly scan: ScanAnswer | null;
}

/** Whether log, disk and bucket held the same at the last scan that looked at everything. */
export function findParity(scans: readonly ScanAnswer[]): Parity {
  // On several machines most scans leave the bucket to the one that compares it.
  const ofAll = scans.filter(({ kind, state }) => kind !== 'quick' && state === 'completed');
  const scan = ofAll.find(({ sides }) => sides !== 'local') ?? ofAll[0] ?? null;
  if (scan === null) return { is: 'none', scan };
  const roots = [scan.roots?.expected, scan.roots?.local, scan.roots?.cdn];
  const known = new Set(roots.filter((root) => typeof root === 'string'));
  // What could not be seen is no agreement; a difference that was seen is one, whatever else was not.
  if (known.size > 1) return { is: 'differ', scan };
  return { is: roots.every((root) => typeof root === 'string') ? 'agree' : 'unknown', scan };
}
