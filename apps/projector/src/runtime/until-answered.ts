import { type Clock, toHoldfastError } from '@holdfast/domain';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/**
 * Asks the log again, with the same words, while it does not answer or has no room.
 * @returns null when the signal aborts first
 * @throws what will not pass
 */
export async function untilAnswered<T>(
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  ask: () => Promise<T>,
): Promise<T | null> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await ask();
    } catch (error) {
      const { kind } = toHoldfastError(error);
      if (kind !== 'transient' && kind !== 'exhausted') throw error;
    }
    if (signal.aborted) return null;
    await clock.sleep(waitMs, signal);
  }
}
