import type { HoldfastError } from '@holdfast/domain';

export type Verdict =
  | { readonly do: 'retry'; readonly afterMs: number }
  | { readonly do: 'dead-letter'; readonly reason: string }
  | { readonly do: 'stop'; readonly reason: string };

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

/**
 * What a loop does about a failure; it looks at the kind only.
 * @param attempts  made so far, 1 after the first
 * @param mode      live, what can never work is passed and recorded; a replay stops at it
 */
export function judgeFailure(error: HoldfastError, attempts: number, mode: 'live' | 'replay'): Verdict {
  const reason = `${error.code}: ${error.message}`;
  switch (error.kind) {
    case 'transient':
    case 'exhausted':
    case 'conflict':
      return { do: 'retry', afterMs: Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS) };
    case 'poison':
      return mode === 'live' ? { do: 'dead-letter', reason } : { do: 'stop', reason };
    case 'invalid':
    case 'denied':
    case 'rejected':
    case 'precondition':
    case 'missing':
    case 'fatal':
      return { do: 'stop', reason };
  }
}
