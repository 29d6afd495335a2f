import type { CatalogDocument } from '@holdfast/catalog';
import { getContentUrl, type ModeSnapshot } from '@holdfast/domain';
import { z } from 'zod';
import type { Api } from './api.ts';
import { contentDeleted, contentNotFound } from './local-origin/find-document.ts';

export const onCdnSchema = z
  .object({ version: z.int(), sha256: z.string(), etag: z.string().nullable(), at: z.string() })
  .nullable()
  .meta({
    description:
      'What the bucket holds, by the log; null: nothing, or not known: asked for again, or published over a deletion',
  });

export const locatedSchema = {
  url: z.string(),
  origin: z.enum(['cdn', 'local']),
};

/** @throws CONTENT_NOT_FOUND, CONTENT_DELETED */
export function requirePublished(api: Api, path: string): CatalogDocument & { sha256: string } {
  const document = api.catalog.document(path);
  if (document === null) throw contentNotFound(path);
  const { sha256 } = document;
  if (sha256 === null) throw contentDeleted(path, document.at, document.version);
  return { ...document, sha256 };
}

/** Where readers find it, by the mode of the request. */
export const locate = (
  mode: ModeSnapshot,
  { path, sha256, onCdn }: Pick<CatalogDocument, 'path' | 'onCdn'> & { sha256: string },
): { url: string; origin: 'cdn' | 'local' } => getContentUrl(mode, { path, sha256, isOnCdn: onCdn !== null });
