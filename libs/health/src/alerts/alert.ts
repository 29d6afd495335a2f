import type { AlertCode, AlertSeverity, EventData } from '@holdfast/domain';

/** Which condition of which node, disk or bucket; there is one alert for each. */
export interface AlertSubject {
  readonly code: AlertCode;
  /**
   * At most 200 characters, the same each time. It begins with the node's name where each node has its own
   * (`web-1`, `web-1/data`); `-` stands for what there is one of, watched by one process at a time.
   */
  readonly subject: string;
}

/** A condition that lasts, as people are told of it. */
export interface Alert extends AlertSubject {
  readonly severity: AlertSeverity;
  /** What is wrong and what to do, in a sentence or two; cut at 2,000 characters. */
  readonly message: string;
  /** Counts and names for programs. */
  readonly details: EventData<'AlertRaised'>['details'];
}

/**
 * What watches a condition says here how it is, as often as it looks. Both calls are cheap, never throw and wait
 * for nothing, so that telling of a full disk or a log that is away depends on neither.
 */
export interface AlertBoard {
  /** The condition holds. Where that was known only message and details are replaced; nobody is told again. */
  raise(alert: Alert): void;
  /**
   * The condition does not hold; nothing where that was known. Also to be called after a start: an alert that was
   * raised before it stays raised until somebody clears it.
   */
  clear(which: AlertSubject, message?: string): void;
}
