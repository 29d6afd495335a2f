import {
  type ContentPath,
  contentStream,
  type EventStore,
  HoldfastError,
  toHoldfastError,
} from '@holdfast/domain';
import type { ContentReader } from '@holdfast/storage';
import type { FastifyBaseLogger } from 'fastify';
import { readOrNull } from '../local-index.ts';
import type { Representation, Representations } from './representations.ts';

export interface FoundDocument {
  readonly representation: Representation;
  /** `memory` means that the file on disk is still the one in memory. */
  readonly from: 'memory' | 'disk' | 'log';
}

export interface FindPorts {
  readonly reader: Pick<ContentReader, 'openLive' | 'recorded'>;
  readonly store: Pick<EventStore, 'readStream'>;
  readonly logger: Pick<FastifyBaseLogger, 'error'>;
}

/**
 * A document's present bytes: the local file; and where there is none, because the projector has not
 * written it yet or a generation is being built, what the log has. So a document that exists is never
 * "not found" here.
 * @throws CONTENT_NOT_FOUND, CONTENT_DELETED, EVENT_STORE_UNAVAILABLE
 */
export async function findDocument(
  ports: FindPorts,
  representations: Representations,
  path: ContentPath,
): Promise<FoundDocument> {
  return findOnDisk(ports, representations, path) ?? findInLog(ports, representations, path);
}

function findOnDisk(
  ports: FindPorts,
  representations: Representations,
  path: ContentPath,
): FoundDocument | null {
  try {
    const file = ports.reader.openLive(path);
    if (file === null) return null;
    try {
      const { representation, isHit } = representations.get(path, {
        identity: file.identity,
        read: () => ({
          body: file.read(),
          contentTypeOf: (sha256) => {
            const recorded = readOrNull(() => ports.reader.recorded(path));
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
    ports.logger.error({ code, path }, `${message} The document is served from the log.`);
    return null;
  }
}

async function findInLog(
  ports: FindPorts,
  representations: Representations,
  path: ContentPath,
): Promise<FoundDocument> {
  const stream = contentStream(path);
  const [last] = await ports.store.readStream(stream, {
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
