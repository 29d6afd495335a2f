import { type EventData, type HoldfastError, toHoldfastError } from '@holdfast/domain';
import { judgeFailure } from '../runtime/failure-policy.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import type { WaitingPaths } from './waiting-paths.ts';

export type ProjectorStatus = EventData<'NodeReported'>['projectors'][number];

/** How the local projector is: for those who ask, and for those of its loops who wait for a change. */
export class Condition {
  readonly #log: ProjectorLog;
  /** Something may be other than before. */
  readonly changed = new Wakeup();
  #state: { state: ProjectorStatus['state']; reason: string | null } = { state: 'starting', reason: null };
  #trouble: HoldfastError | null = null;
  #damaged: HoldfastError | null = null;

  constructor(log: ProjectorLog) {
    this.#log = log;
  }

  get state(): ProjectorStatus['state'] {
    return this.#state.state;
  }

  /** Why the last attempt to go on failed; null once one succeeded. */
  get trouble(): HoldfastError | null {
    return this.#trouble;
  }

  /** A database that turned out to be damaged; opening it may not show that again. */
  get damaged(): HoldfastError | null {
    return this.#damaged;
  }

  /** The last attempt met a damaged database. */
  get isInDoubt(): boolean {
    return this.#trouble?.code === 'DATABASE_CORRUPT';
  }

  set(state: ProjectorStatus['state'], reason: string | null): void {
    this.#state = { state, reason };
    this.changed.wake();
  }

  recover(): void {
    this.#trouble = null;
  }

  /**
   * Something failed.
   * @returns what is to be done: what failed tries again by itself, the live generation is looked for again, or
   *          all work ends
   */
  meet(error: unknown): 'try again' | 'look again' | 'stop' {
    const known = toHoldfastError(error);
    const isDamage = known.code === 'DATABASE_CORRUPT';
    if (!isDamage && judgeFailure(known, 1, 'live').do !== 'retry') {
      this.giveUp(known);
      return 'stop';
    }
    this.#trouble = known;
    if (isDamage) this.#damaged = known;
    this.changed.wake();
    const facts = { code: known.code, ...known.context };
    if (isDamage) this.#log.error(facts, known.message);
    else this.#log.warn(facts, `${known.message} It is tried again.`);
    return isDamage ? 'look again' : 'try again';
  }

  giveUp(error: unknown): void {
    const known = toHoldfastError(error);
    this.#trouble = known;
    this.set('stopped', `${known.code}: ${known.message}`);
    this.#log.error(
      { err: known, code: known.code, ...known.context },
      `The local projector stops: ${known.message}`,
    );
  }

  /** @param waiting  a projector that runs is not well while paths wait to be written */
  shown(waiting: WaitingPaths): Pick<ProjectorStatus, 'state' | 'reason'> {
    if (this.#state.state === 'stopped') return this.#state;
    if (this.#trouble !== null) return { state: 'waiting', reason: this.#trouble.message };
    const [first] = waiting.all();
    if (first === undefined) return this.#state;
    return {
      state: 'waiting',
      reason: `Paths that wait to be written: ${waiting.size}. ${first.error.message}`,
    };
  }
}
