/** What one process of the whole system does, or is, at a time. */
export type LockName = 'cdn' | `drift-${string}` | `node-${string}`;

export interface HeldLock {
  /**
   * Aborts when the lock is lost, as its keeper cannot be reached any more: another may hold it by now. Never
   * where the operating system is the keeper.
   */
  readonly lost: AbortSignal;
  /** Lets another take it. May be called more than once, also when it is lost. */
  release(): Promise<void>;
}

/**
 * Takes a lock, or fails at once. Who ends, however it ends, has it no more; another can take it within half a minute.
 * Two may hold it for a moment when a connection was lost, so what is done under it must bear that.
 * @throws LOCK_TAKEN (conflict) while another process has it; EVENT_STORE_UNAVAILABLE (transient)
 */
export type TakeLock = () => Promise<HeldLock>;

/** A log that also keeps the locks of those who share it. */
export interface LockKeeper {
  /** See `TakeLock`. */
  takeLock(name: LockName): Promise<HeldLock>;
}
