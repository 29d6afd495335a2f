import { sha256Of } from '@holdfast/domain';
import { LRUCache } from 'lru-cache';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const MAX_BYTES = 64 * 1024 * 1024;
/** Of an entry besides its bodies, about. */
const ENTRY_BYTES = 600;
/** Below this, compression saves no packet. */
const MIN_GZIP_BYTES = 1024;

const compress = promisify(gzip);

/** One version of a document, ready to be sent. The hash is that of the very bytes beside it. */
export interface Representation {
  /** Which file, or which event, the bytes came from. */
  readonly identity: string;
  readonly contentType: string;
  readonly sha256: string;
  readonly body: Buffer;
  gzip: Promise<Buffer> | null;
}

/** Where the bytes of a document can be had, and how to know without reading them that they are the same. */
export interface Source {
  readonly identity: string;
  read(): { body: Uint8Array; contentTypeOf: (sha256: string) => string | null };
}

/**
 * Documents in memory, the least recently used forgotten first, 64 MiB together: hashed and compressed
 * once for each version, and shared by all requests under way.
 */
export class Representations {
  readonly #cache = new LRUCache<string, Representation>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ body }) => ENTRY_BYTES + body.length,
  });

  /** What is in memory, about. */
  get bytes(): number {
    return this.#cache.calculatedSize;
  }

  /** @returns what is there now, and whether it was in memory */
  get(path: string, source: Source): { representation: Representation; isHit: boolean } {
    const cached = this.#cache.get(path);
    if (cached?.identity === source.identity) return { representation: cached, isHit: true };
    const { body: bytes, contentTypeOf } = source.read();
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sha256 = sha256Of(body);
    const contentType = contentTypeOf(sha256);
    const representation: Representation = {
      identity: source.identity,
      contentType: contentType ?? 'application/json',
      sha256,
      body,
      gzip: null,
    };
    // With a type that is only a guess the next request asks again.
    if (contentType !== null) this.#cache.set(path, representation);
    return { representation, isHit: false };
  }

  canGzip(representation: Representation): boolean {
    return representation.body.length >= MIN_GZIP_BYTES;
  }

  /** Compressed once, in the thread pool, however many ask. */
  gzip(path: string, representation: Representation): Promise<Buffer> {
    representation.gzip ??= compress(representation.body).then((compressed) => {
      const size = ENTRY_BYTES + representation.body.length + compressed.length;
      if (this.#cache.peek(path) === representation) {
        // Setting the same value again would leave its size as it was.
        this.#cache.delete(path);
        this.#cache.set(path, representation, { size });
      }
      return compressed;
    });
    return representation.gzip;
  }
}
