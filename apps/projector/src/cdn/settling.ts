import type { DueReplication } from '@holdfast/catalog';
import { type Clock, isPositionAtOrAfter, type Position } from '@holdfast/domain';

/**
 * Which paths must wait because a write to them may still arrive: one of ours whose outcome is unknown, or one of the
 * process that wrote before this one. Writes of one path never overtake each other that way.
 */
export class Settling {
  readonly #clock: Clock;
  readonly #settleMs: number;
  /** Until when, in ms since 1970. */
  readonly #unsettled = new Map<string, number>();
  /** Written in the window to what the process before may have been writing to. */
  readonly #rewritten = new Set<string>();
  /** While the writes of the process before may arrive; all it wrote was in the log up to `head`. */
  #window: { readonly until: number; readonly head: Position } | null = null;
  #hasConditions = false;

  /** @param settleMs  how long a write may arrive after its writer gave up on it */
  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** Another process may have been writing until now. */
  takeOver(head: Position): void {
    if (this.#settleMs > 0) this.#window = { until: this.#now() + this.#settleMs, head };
  }

  /** Nobody has ever written to this bucket. */
  liftWindow(): void {
    this.#window = null;
    this.#rewritten.clear();
  }

  /** Whether puts are refused by the bucket when the object is not what they expect to replace. */
  set hasConditions(hasConditions: boolean) {
    this.#hasConditions = hasConditions;
  }

  /**
   * A write whose outcome is unknown has ended.
   * @returns when the path is settled
   */
  hold(path: string): Date {
    const until = this.#now() + this.#settleMs;
    if (this.#settleMs > 0) this.#unsettled.set(path, until);
    return new Date(until);
  }

  mayGo(due: DueReplication): boolean {
    const now = this.#now();
    this.#heedClockSetBack(due.path, now);
    if (now < (this.#unsettled.get(due.path) ?? 0)) return false;
    if (this.#window === null) return true;
    if (now >= this.#window.until) {
      this.liftWindow();
      return true;
    }
    return !this.#rewritten.has(due.path) && this.#isHarmless(due, now);
  }

  /**
   * An attempt begins.
   * @returns whether it has to look first at what is there
   */
  begin({ path, position, attempt }: DueReplication): boolean {
    if (this.#window !== null && isPositionAtOrAfter(this.#window.head, position)) this.#rewritten.add(path);
    return this.#unsettled.delete(path) || attempt > 1;
  }

  /**
   * Whether nothing that the process before may have sent can spoil this attempt. If it follows directly what the
   * bucket holds, and has for long, only an attempt at this very version can be under way; after this one, its
   * condition fails.
   */
  #isHarmless({ action, version, onCdn }: DueReplication, now: number): boolean {
    if (action === 'put' && !this.#hasConditions) return false;
    if (version !== (onCdn?.version ?? -1) + 1) return false;
    return onCdn === null || Date.parse(onCdn.at) + this.#settleMs <= now;
  }

  /** No wait is longer than `settleMs`: where one seems to be, the clock was set back, and the wait begins now. */
  #heedClockSetBack(path: string, now: number): void {
    const latest = now + this.#settleMs;
    if ((this.#unsettled.get(path) ?? 0) > latest) this.#unsettled.set(path, latest);
    if (this.#window !== null && this.#window.until > latest)
      this.#window = { ...this.#window, until: latest };
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
