import type { Alert } from './alert.ts';

/** One thing to tell about an alert. */
export interface Notice {
  /** A UUID: of the event, the mail and the call, so that what arrives twice can be recognised. */
  readonly id: string;
  /** `reminder`: it was told a day ago and still holds, it is worse by now, or whoever is told is new. */
  readonly kind: 'raised' | 'cleared' | 'reminder';
  /** As it was when it was raised last; the message of a clearing says how it ended. */
  readonly alert: Alert;
  /** ISO instants. */
  readonly at: string;
  readonly raisedAt: string;
  /** Earlier changes of the same alert that this one stands for: it changed too often to tell each. */
  readonly folded: number;
  /**
   * What this process knew already, the clearing of what it does not know to have raised or the raising of what it
   * holds as raised: for the log, and for people where it knows better.
   */
  readonly isDoubtful?: true;
}

/** Where notices go. */
export interface Notifier {
  /** Stays the same from start to start: notices wait under it. */
  readonly name: string;
  /** How many notices one call takes at most. */
  readonly maxCount: number;
  /**
   * Tells all of them, or throws; then they are told again, all of them, perhaps by another process. What is told
   * was kept before, so it may be late.
   * @throws NOTIFIER_UNAVAILABLE, NOTIFIER_REFUSED, or what the log throws
   */
  deliver(notices: readonly Notice[], signal: AbortSignal): Promise<void>;
}

export const keyOf = ({ code, subject }: Pick<Alert, 'code' | 'subject'>): string => `${code} ${subject}`;
