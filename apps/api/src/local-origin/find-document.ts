import { type ContentPath, contentStream, HoldfastError, toHoldfastError } from '@holdfast/domain';
import type { Api } from '../api.ts';
import { readOrNull } from '../local-index.ts';
import type { Representation, Representations } from './representations.ts';

export interface FoundDocument {
  readonly representation: Representation;
  /** `memory` means that the file on disk is still the one in memory. */
  readonly from: 'memory' | 'disk' | 'log';
}

/**
 * A document's present bytes: the local file; and where there is none, because the projector has not
 * written it yet or a generation is being built, what the log has. So a document that exists is never
 * "not found" here.
 * @throws CONTENT_NOT_FOUND, CONTENT_DELETED, EVENT_STORE_UNAVAILABLE
 */
export async function findDocument(
  api: Api,
  representations: Representations,
  path: ContentPath,
): Promise<FoundDocument> {
  return findOnDisk(api, representations, path) ?? findInLog(api, representations, path);
}

function findOnDisk(api: Api, representations: Representations, path: ContentPath): FoundDocument | null {
  try {
    const file = api.reader.openLive(path);
    if (file === null) return null;
    try {
      const { representation, isHit } = representations.get(path, {
        identity: file.identity,
        read: () => ({
          body: file.read(),
          contentTypeOf: (sha256) => {
            const recorded = readOrNull(() => api.reader.recorded(path));
            return recorded?.sha256 === sha256 ? recorded.contentType : null;
          },
        }),
      });
      return { representation, from: isHit ? 'memory' : 'disk' };
    } finally {
      file.close();
    }
  } catch (error) {
    const { code, message } = toHoldfastError(error);
    api.logger.error({ code, path }, `${message} The document is served from the log.`);
    return null;
  }
}

async function findInLog(
  api: Api,
  representations: Representations,
  path: ContentPath,
): Promise<FoundDocument> {
  const stream = contentStream(path);
  const [last] = await api.store.readStream(stream, {
    direction: 'backwards',
    maxCount: 1,
    withBodies: true,
  });
  if (last?.type === 'ContentDeleted') throw contentDeleted(path, last.metadata.at, last.version);
  if (last?.type !== 'ContentPublished') throw contentNotFound(path);
  const { contentType } = last.data;
  const { representation } = representations.get(path, {
    identity: `log:${last.version}`,
    read: () => ({ body: last.body ?? new Uint8Array(), contentTypeOf: () => contentType }),
  });
  return { representation, from: 'log' };
}

export const contentNotFound = (path: string): HoldfastError =>
  new HoldfastError('CONTENT_NOT_FOUND', `There is no document ${path}: it was never published.`, {
    context: { path },
  });

export const contentDeleted = (path: string, deletedAt: string, version: number): HoldfastError =>
  new HoldfastError('CONTENT_DELETED', `The document ${path} was deleted at ${deletedAt}.`, {
    context: { path, version, deletedAt },
  });
