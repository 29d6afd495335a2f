import { type Clock, hasCode } from '@holdfast/domain';

export interface Released {
  release(): void;
}

/** Within a minute of the holder's end another must have taken over. */
const TRY_AGAIN_MS = 3_000;

/**
 * Takes a lock as soon as it is free.
 * @param options.onWait  told once, with who has it, where it has to wait
 * @returns null when the signal aborts first
 * @throws what `lock` throws other than DATA_DIR_IN_USE
 */
export async function whenLocked(
  lock: () => Released,
  options: { clock: Clock; signal: AbortSignal; onWait: (reason: string) => void },
): Promise<Released | null> {
  const { clock, signal, onWait } = options;
  let hasTold = false;
  while (!signal.aborted) {
    try {
      return lock();
    } catch (error) {
      if (!hasCode(error, 'DATA_DIR_IN_USE')) throw error;
      if (!hasTold) onWait(error.message);
      hasTold = true;
    }
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
  return null;
}
