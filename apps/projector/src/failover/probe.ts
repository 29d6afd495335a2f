import { randomUUID } from 'node:crypto';
import type { Clock } from '@holdfast/domain';
import { PROBE_KEY, probeOf } from '../cdn/probe-object.ts';
import type { Sample } from './decide-failover.ts';

export interface ProbeOptions {
  readonly cdnBaseUrl: string;
  readonly logId: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For the whole answer; 2,000 unless given. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 2_000;
/** A timer that is so much too late was kept waiting by this process. */
const LATE_MS = 500;

/**
 * Fetches the probe object as a reader would fetch a document, past caches; good only if it is there in time with
 * exactly its bytes. Never throws.
 * @returns with `isDoubtful` where this process stood still, so that a good answer may wait unread
 */
export async function probeCdn(options: ProbeOptions): Promise<{ sample: Sample; isDoubtful: boolean }> {
  const { clock, timeoutMs = TIMEOUT_MS } = options;
  const at = clock.now();
  const begunAt = performance.now();
  const problem = await findProblem(options);
  const ms = Math.round(performance.now() - begunAt);
  const sample = { at, isGood: problem === null, outcome: problem ?? `good after ${ms} ms` };
  return { sample, isDoubtful: problem !== null && ms > timeoutMs + LATE_MS };
}

async function findProblem(options: ProbeOptions): Promise<string | null> {
  const { cdnBaseUrl, logId, signal, timeoutMs = TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${cdnBaseUrl}/${PROBE_KEY}?probe=${randomUUID()}`, {
      headers: { 'cache-control': 'no-cache', 'user-agent': 'holdfast-probe' },
      cache: 'no-store',
      signal: AbortSignal.any([signal, timeout]),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return `answered ${response.status}`;
    }
    return (await isExactly(probeOf(logId), response)) ? null : 'answered other bytes';
  } catch (error) {
    if (timeout.aborted) return `no whole answer within ${timeoutMs} ms`;
    return `failed: ${reasonOf(error)}`;
  }
}

/** Reads no more than it has to: a wrong answer may have any size. */
async function isExactly(expected: Buffer, response: Response): Promise<boolean> {
  const received: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    received.push(chunk);
    bytes += chunk.length;
    if (bytes > expected.length) return false;
  }
  return expected.equals(Buffer.concat(received));
}

/** `fetch` says why only in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: why } = (cause ?? {}) as { code?: string; message?: string };
  return code ?? why ?? message;
}
