import { createHash } from 'node:crypto';

/** What goes wrong with one request on its way to the server or back. */
export type Fault =
  /** Reaches the server so much later, even if the client has given up by then. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Request and answer pass at this speed. */
  | { readonly kind: 'throttled'; readonly bytesPerSecond: number }
  | { readonly kind: SimpleFault };

type SimpleFault =
  /** Client and server get half of the request, then a reset. */
  | 'reset-in-request'
  /** The request is read, the server gets none of it, the client a reset. */
  | 'reset-before-answer'
  /** The request is read, and nothing ever happens. */
  | 'black-hole'
  /** The same, until `deliverHeld`: then the server gets it, whether or not the client still waits. */
  | 'held'
  /** Answered with 500 InternalError; the server gets nothing. */
  | 'internal-error'
  /** Answered with 503 SlowDown; the server gets nothing. */
  | 'slow-down'
  /** The server does it; its answer ends half-way. */
  | 'truncated-answer'
  /** The server does it; the client gets a reset instead of the answer. */
  | 'lost-answer';

export interface SeenRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  /** As sent, without `?`. */
  readonly query: string;
  /** How many requests with this method and path came before. */
  readonly nth: number;
}

/** Decides per request; null lets it pass. */
export type FaultSource = (request: SeenRequest) => Fault | null;

/**
 * Faults for a share of the requests. The same seed decides the same for the n-th request of a method and path,
 * in whatever order concurrent requests arrive.
 * @param options.share  of 1; 0.1 is every tenth
 * @param options.only   which requests may get one; absent: all
 */
export function seededFaults(options: {
  readonly seed: number;
  readonly share: number;
  readonly faults: readonly Fault[];
  readonly only?: (request: SeenRequest) => boolean;
}): FaultSource {
  const { seed, share, faults, only } = options;
  return (request) => {
    if (only !== undefined && !only(request)) return null;
    const { method, path, nth } = request;
    const hash = createHash('sha256').update(`${seed} ${method} ${nth} ${path}`).digest();
    if (hash.readUInt32BE(0) / 2 ** 32 >= share) return null;
    return faults[hash.readUInt32BE(4) % faults.length] ?? null;
  };
}

/**
 * One entry after the other, for the requests that `only` accepts; after the last everything passes.
 * @param script  null: this one passes
 */
export function scriptedFaults(
  script: readonly (Fault | null)[],
  only: (request: SeenRequest) => boolean = () => true,
): FaultSource {
  const left = [...script];
  return (request) => (only(request) ? (left.shift() ?? null) : null);
}
