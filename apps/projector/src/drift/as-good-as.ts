import type { ScanKind } from '@holdfast/domain';

/** Which scans do what a scan of this kind would do, itself included. */
export const AS_GOOD_AS: Readonly<Record<ScanKind, readonly ScanKind[]>> = {
  quick: ['quick', 'full', 'deep'],
  full: ['full', 'deep'],
  deep: ['deep'],
};
