import type {
  AuditPage,
  DocumentState,
  ReplicationList,
  TreePage,
  TreeSummary,
  VersionList,
} from '@holdfast/api/types';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { ask, query, send } from '../../api/client.ts';
import { ApiProblem } from '../../api/problem.ts';
import { keys } from '../../api/queries.ts';
import type { PageQuery } from '../../app/paged-list.ts';

/** What was scrolled past is forgotten soon: a directory may have millions. */
const FORGET_AFTER_MS = 60_000;
const TREE_PAGE = 500;

export type TreeEntry = TreePage['entries'][number];
export type TreeDocument = Extract<TreeEntry, { kind: 'document' }>;
export type Version = VersionList['versions'][number];

export interface TreeQuestion {
  readonly prefix: string;
  readonly withDeleted: boolean;
}

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export const treePageQuery =
  ({ prefix, withDeleted }: TreeQuestion): PageQuery<TreeEntry> =>
  (cursor) => ({
    queryKey: [...keys.documents, 'tree', prefix, withDeleted, cursor],
    queryFn: ({ signal }) => {
      const status = withDeleted ? 'all' : 'published';
      return ask<TreePage>(`/v1/tree${query({ prefix, status, cursor, limit: TREE_PAGE })}`, { signal });
    },
    gcTime: FORGET_AFTER_MS,
  });

/** Counting takes time in proportion, so it is not done anew with each publish. */
export const summaryQuery = (prefix: string) =>
  queryOptions({
    queryKey: ['tree-summary', prefix],
    queryFn: ({ signal }) => ask<TreeSummary>(`/v1/tree/summary${query({ prefix })}`, { signal }),
    refetchInterval: 15_000,
  });

/** `never`: nothing was published at the path. */
export type FoundDocument =
  | { readonly status: 'published'; readonly document: DocumentState }
  | { readonly status: 'deleted' | 'never' };

export const documentQuery = (path: string) =>
  queryOptions({
    queryKey: [...keys.documents, 'state', path],
    queryFn: async ({ signal }): Promise<FoundDocument> => {
      try {
        const document = await ask<DocumentState>(`/v1/content/${encodePath(path)}`, { signal });
        return { status: 'published', document };
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (error.code === 'CONTENT_DELETED') return { status: 'deleted' };
        if (error.code === 'CONTENT_NOT_FOUND') return { status: 'never' };
        throw error;
      }
    },
  });

/** How the latest version stands with the bucket. */
export const replicationQuery = (path: string) =>
  queryOptions({
    queryKey: [...keys.replications, 'of', path],
    queryFn: async ({ signal }) => {
      const { replications } = await ask<ReplicationList>(`/v1/replications${query({ path, limit: 1 })}`, {
        signal,
      });
      return replications[0] ?? null;
    },
  });

export const versionsQuery = (path: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.documents, 'versions', path],
    queryFn: ({ signal, pageParam }) =>
      ask<VersionList>(`/v1/versions/${encodePath(path)}${query({ limit: 100, cursor: pageParam })}`, {
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });

export const bodyUrl = (path: string, version: number): string =>
  `/v1/versions/${encodePath(path)}?version=${version}`;

/** A version never changes. */
export const bodyQuery = (path: string, version: number) =>
  queryOptions({
    queryKey: ['body', path, version],
    queryFn: async ({ signal }) =>
      (await send(bodyUrl(path, version), { signal, headers: { accept: '*/*' } })).text(),
    staleTime: Infinity,
    gcTime: FORGET_AFTER_MS,
  });

export const lifeQuery = (path: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.documents, 'life', path],
    queryFn: ({ signal, pageParam }) =>
      ask<AuditPage>(`/v1/audit${query({ path, limit: 50, cursor: pageParam })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });
