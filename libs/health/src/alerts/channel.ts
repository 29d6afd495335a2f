import { type Clock, hasCode, type HoldfastError, toHoldfastError } from '@holdfast/domain';
import type { WaitingNotice } from './alert-file.ts';
import { keyOf, type Notice, type Notifier } from './notice.ts';

export interface ChannelPorts {
  readonly notifier: Notifier;
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** What waits has changed. */
  readonly onChange: () => void;
  /** Told of the first failure in a row, and of what ended it. */
  readonly onTrouble: (error: HoldfastError) => void;
  readonly onWellAgain: () => void;
}

/** How the telling goes, for those who ask whether people would hear of an alert. */
export interface ChannelStatus {
  readonly name: string;
  readonly waiting: number;
  /** Since when the oldest of them has been waiting; ISO instant. */
  readonly oldestWaitingAt: string | null;
  /** Since when no attempt has succeeded; null: the last one did. */
  readonly failingSince: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Of one alert: what began, and what it has come to; what lies between is folded into the latter. */
const MAX_WAITING_OF_ONE = 2;

/**
 * Tells notices in order through one notifier, again and again until it is done; nobody else waits for it. An alert that
 * is refused waits behind the others.
 */
export class Channel {
  readonly #ports: ChannelPorts;
  readonly #stop = new AbortController();
  #waiting: { notice: Notice; dueAt: number }[] = [];
  /** Alerts of which a notice was refused, alone or with others. */
  readonly #refused = new Set<string>();
  #inFlight = 0;
  #failures = 0;
  #failingSince: string | null = null;
  #error: HoldfastError | null = null;
  #wake: () => void = () => undefined;
  #running: Promise<void> | null = null;

  constructor(ports: ChannelPorts) {
    this.#ports = ports;
  }

  get name(): string {
    return this.#ports.notifier.name;
  }

  get waiting(): WaitingNotice[] {
    return this.#waiting.map((each) => ({ channel: this.name, ...each }));
  }

  /** @param dueAt  ms since 1970; not before */
  add(notice: Notice, dueAt: number): void {
    const untouched = this.#waiting.slice(this.#inFlight);
    const ofSame = untouched.filter((each) => keyOf(each.notice.alert) === keyOf(notice.alert));
    const last = ofSame.at(-1);
    if (ofSame.length >= MAX_WAITING_OF_ONE && last !== undefined) {
      last.notice = { ...notice, folded: last.notice.folded + notice.folded + 1 };
      return;
    }
    this.#waiting.push({ notice, dueAt });
    this.#wake();
  }

  /** What waited before a restart: told first. */
  restore(waiting: readonly WaitingNotice[]): void {
    const known = new Set(this.#waiting.map(({ notice }) => notice.id));
    const restored = waiting.filter(({ notice }) => !known.has(notice.id));
    this.#waiting.splice(this.#inFlight, 0, ...restored.map(({ notice, dueAt }) => ({ notice, dueAt })));
    this.#wake();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  status(): ChannelStatus {
    return {
      name: this.name,
      waiting: this.#waiting.length,
      oldestWaitingAt: this.#waiting.map(({ notice }) => notice.at).sort()[0] ?? null,
      failingSince: this.#failingSince,
      error: this.#error === null ? null : { code: this.#error.code, message: this.#error.message },
    };
  }

  /** Ends a call that is under way; what it was to tell keeps waiting. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const isDone = await this.#deliverDue();
      if (isDone === null) await this.#untilNextDue();
      else if (!isDone) await this.#ports.clock.sleep(this.#waitMs(), signal);
    }
  }

  /** @returns null where nothing is due */
  async #deliverDue(): Promise<boolean | null> {
    const { notifier, clock, onChange } = this.#ports;
    const batch = this.#takeDue(clock.now().getTime());
    if (batch.length === 0) return null;
    this.#inFlight = batch.length;
    try {
      await notifier.deliver(
        batch.map(({ notice }) => notice),
        this.#stop.signal,
      );
      this.#waiting = this.#waiting.filter((each) => !batch.includes(each));
      for (const { notice } of batch) this.#refused.delete(keyOf(notice.alert));
      this.#succeeded();
      onChange();
      return true;
    } catch (error) {
      if (hasCode(error, 'NOTIFIER_REFUSED')) this.#putBehind(batch);
      this.#failed(toHoldfastError(error));
      return false;
    } finally {
      this.#inFlight = 0;
    }
  }

  /**
   * What is due goes to the front, in its order, so that what is under way stands there. What was refused is tried one
   * by one, after all else: in a batch only one of them may be at fault.
   */
  #takeDue(now: number): { notice: Notice; dueAt: number }[] {
    const due = this.#waiting.filter(({ dueAt }) => dueAt <= now);
    const unrefused = due.filter(({ notice }) => !this.#refused.has(keyOf(notice.alert)));
    const batch = unrefused.length > 0 ? unrefused.slice(0, this.#ports.notifier.maxCount) : due.slice(0, 1);
    if (batch.length > 0)
      this.#waiting = [...batch, ...this.#waiting.filter((each) => !batch.includes(each))];
    return batch;
  }

  /** With all that waits of the same alerts, so that those stay in order. */
  #putBehind(batch: readonly { notice: Notice }[]): void {
    const keys = new Set(batch.map(({ notice }) => keyOf(notice.alert)));
    for (const key of keys) this.#refused.add(key);
    const isBehind = ({ notice }: { notice: Notice }): boolean => keys.has(keyOf(notice.alert));
    this.#waiting = [...this.#waiting.filter((each) => !isBehind(each)), ...this.#waiting.filter(isBehind)];
  }

  #succeeded(): void {
    const wasFailing = this.#failures > 0;
    this.#failures = 0;
    this.#failingSince = this.#error = null;
    if (wasFailing) this.#ports.onWellAgain();
  }

  #failed(error: HoldfastError): void {
    if (this.#stop.signal.aborted) return;
    this.#failures += 1;
    this.#error = error;
    this.#failingSince ??= this.#ports.clock.now().toISOString();
    if (this.#failures === 1) this.#ports.onTrouble(error);
  }

  #waitMs(): number {
    const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(this.#failures - 1, 20), LONGEST_WAIT_MS);
    return longest * (0.5 + this.#ports.random() / 2);
  }

  async #untilNextDue(): Promise<void> {
    const { clock } = this.#ports;
    const inMs = Math.min(...this.#waiting.map(({ dueAt }) => dueAt)) - clock.now().getTime();
    // Something may have come since it was looked.
    if (this.#stop.signal.aborted || inMs <= 0) return;
    const rest = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = () => {
        resolve();
        rest.abort();
      };
    });
    await (inMs === Infinity ? woken : clock.sleep(inMs, rest.signal));
  }
}
