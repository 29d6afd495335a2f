import type { FindingsPage, ScanAnswer, ScanSummary } from '@holdfast/api/types';
import { queryOptions } from '@tanstack/react-query';
import { ask, query } from '../../api/client.ts';
import type { PageQuery } from '../../app/paged-list.ts';

export type Finding = FindingsPage['findings'][number];
export type Outcome = Finding['outcome'];
export type Side = Finding['side'];
export type DirectoryCounts = Pick<ScanSummary['directories'][number], Side>;

export const OUTCOMES = [
  'missing',
  'different',
  'unreadable',
  'orphan',
  'foreign',
] as const satisfies readonly Outcome[];
export const SIDES = ['local', 'cdn'] as const satisfies readonly Side[];

/** Which of a scan's findings: as the address has it, and the server is asked. */
export interface FindingsFilter {
  readonly side?: Side;
  readonly outcome?: Outcome;
  readonly prefix?: string;
}

const PAGE = 500;
/** What was scrolled past is forgotten soon: there may be as many findings as documents. */
const FORGET_AFTER_MS = 60_000;
const DIRECTORIES = 12;

const urlOf = (scanId: string): string => `/v1/drift/scans/${encodeURIComponent(scanId)}`;

// What a scan has found never changes, so nothing that happens makes these stale.
export const findingsQuery =
  (scanId: string, filter: FindingsFilter): PageQuery<Finding> =>
  (cursor) => ({
    queryKey: ['findings', scanId, filter, cursor],
    queryFn: async ({ signal }) => {
      const asked = query({ ...filter, cursor, limit: PAGE });
      const { findings, next } = await ask<FindingsPage>(`${urlOf(scanId)}/findings${asked}`, { signal });
      return { entries: findings, next };
    },
    staleTime: Infinity,
    gcTime: FORGET_AFTER_MS,
  });

export const summaryQuery = (scanId: string, filter: FindingsFilter) =>
  queryOptions({
    queryKey: ['findings-summary', scanId, filter],
    queryFn: ({ signal }) =>
      ask<ScanSummary>(`${urlOf(scanId)}/summary${query({ ...filter, limit: DIRECTORIES })}`, { signal }),
  });

/** The directory a prefix lies in, with its `/`; '' above all. */
export const directoryOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('/') + 1);

type Counts = Readonly<Partial<Record<Outcome, number>>>;

/** On both sides together. */
export const addSides = ({ local, cdn }: Readonly<Record<Side, Counts>>): Record<Outcome, number> => {
  const sumOf = (outcome: Outcome): number => (local[outcome] ?? 0) + (cdn[outcome] ?? 0);
  return {
    missing: sumOf('missing'),
    different: sumOf('different'),
    unreadable: sumOf('unreadable'),
    orphan: sumOf('orphan'),
    foreign: sumOf('foreign'),
  };
};

export const total = (counts: Counts): number =>
  OUTCOMES.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0);

/** Foreign objects are none: they are not ours. */
export function countDifferences(counts: Readonly<Record<Side, Counts>>): number {
  const both = addSides(counts);
  return total(both) - both.foreign;
}

/** Whether a page of its own tells more of what is there: it was published. */
export const isDocument = ({ subject, outcome }: Finding): boolean =>
  subject === 'document' && outcome !== 'orphan' && outcome !== 'foreign';

/** What a repair would do with what a scan has found, by action. */
export function previewRepair(counts: NonNullable<ScanAnswer['counts']>): {
  readonly materialise: number;
  readonly replicate: number;
  readonly quarantine: number;
  readonly delete: number;
  readonly foreign: number;
} {
  const { local, cdn } = counts;
  return {
    materialise: local.missing + local.different + local.unreadable,
    // What could not be read there is left alone: nobody knows what it is.
    replicate: cdn.missing + cdn.different,
    quarantine: local.orphan,
    delete: cdn.orphan,
    foreign: cdn.foreign,
  };
}
