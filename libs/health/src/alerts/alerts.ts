import {
  type Clock,
  type EventStore,
  type HoldfastError,
  MAX_ALERT_MESSAGE_CHARS,
  newEventId,
} from '@holdfast/domain';
import type { Alert, AlertBoard, AlertSubject } from './alert.ts';
import { AlertFile, type AlertState, type RaisedAlert } from './alert-file.ts';
import { Channel, type ChannelStatus } from './channel.ts';
import { isClearedInLog } from './is-cleared-in-log.ts';
import { keyOf, type Notice, type Notifier } from './notice.ts';
import { recordInLog } from './record-in-log.ts';
import { TooOften } from './too-often.ts';

export interface AlertsPorts {
  /** This process's own; made where it is missing. */
  readonly file: string;
  /** Who raises and clears, as the log names it: `projector:web-1`. */
  readonly actor: string;
  /** How people are told; without any, alerts are in the log only. */
  readonly notifiers: readonly Notifier[];
  readonly clock: Clock;
  readonly log: {
    info: (about: object, message: string) => void;
    warn: (about: object, message: string) => void;
    error: (about: object, message: string) => void;
  };
  /** Between 0 and 1; `Math.random` unless given. */
  readonly random?: () => number;
}

export interface AlertsStatus {
  /** What holds now, oldest first. */
  readonly raised: readonly (Alert & { readonly raisedAt: string })[];
  readonly channels: readonly ChannelStatus[];
  /** Why the alerts would be forgotten by a restart; null: they would not. */
  readonly unkept: { readonly code: string; readonly message: string } | null;
}

const REMIND_AFTER_MS = 24 * 60 * 60 * 1_000;
const LOOK_EVERY_MS = 15_000;
const CALM_PEOPLE_MS = 60 * 60 * 1_000;
/** What is looked up in the log is not older. */
const CALM_LOG_MS = 10 * 60 * 1_000;
/** Another process may have had the last word: whoever was slow, cut off, or in office before. */
const ASK_LOG_EVERY_MS = 10 * 60 * 1_000;
/** What an alert says may change with every look, such as how much room is left. */
const RECORD_CHANGES_EVERY_MS = 10 * 60 * 1_000;
const LAST_WORDS_MS = 10_000;
const LOG_CHANNEL = 'log';
const MAX_SUBJECT_CHARS = 200;

/**
 * The alerts of one process: what holds, and who has yet to be told. Nothing that an alert may be about is needed to
 * tell of it: the log, the disk and each way of telling may all be away, and are made up for when they are back.
 */
export class Alerts implements AlertBoard {
  readonly #ports: AlertsPorts;
  readonly #file: AlertFile;
  readonly #raised = new Map<string, RaisedAlert>();
  /**
   * What was raised or cleared since the start, newer than what the file says of it, and when the log was asked last;
   * ms since 1970.
   */
  readonly #spokenOf = new Map<string, number>();
  /** What the log was told last of what holds, and when; ms since 1970. */
  readonly #recorded = new Map<string, { readonly text: string; readonly at: number }>();
  readonly #tooOften: { readonly people: TooOften; readonly log: TooOften };
  readonly #channels = new Map<string, Channel>();
  readonly #stop = new AbortController();
  #store: EventStore | null = null;
  #keeping: Promise<void> = Promise.resolve();
  #hasTold = false;

  constructor(ports: AlertsPorts) {
    this.#ports = ports;
    this.#file = new AlertFile(ports.file);
    const { clock } = ports;
    this.#tooOften = {
      people: new TooOften(clock, CALM_PEOPLE_MS),
      log: new TooOften(clock, CALM_LOG_MS),
    };
    for (const notifier of ports.notifiers) this.#addChannel(notifier);
    this.#addChannel({
      name: LOG_CHANNEL,
      maxCount: 1,
      deliver: (notices, signal) =>
        recordInLog(this.#store!, ports.actor, (notice) => {
          this.#onTurned(notice);
        }).deliver(notices, signal),
    });
    this.#restore();
  }

  raise(given: Alert): void {
    const alert = recordable(given);
    const key = keyOf(alert);
    const isLogToBeAsked = this.#isLogToBeAsked(key);
    const known = this.#raised.get(key);
    if (known !== undefined) {
      if (!isLogToBeAsked && JSON.stringify(known.alert) === JSON.stringify(alert)) return;
      this.#raised.set(key, { ...known, alert });
      if (isLogToBeAsked) this.#askLog('raised', alert);
      if (alert.severity === 'critical' && known.alert.severity !== 'critical') this.#remindOf(key);
      else this.#recordChange(key);
      this.#keep();
      return;
    }
    const at = this.#now();
    this.#begin(alert, at);
    this.#tell({ id: newEventId(), kind: 'raised', alert, at, raisedAt: at, folded: 0 });
  }

  clear(which: AlertSubject, message = 'The condition does not hold any more.'): void {
    const key = keyOf(recordable({ ...which, severity: 'warning', message, details: {} }));
    const isLogToBeAsked = this.#isLogToBeAsked(key);
    const known = this.#raised.get(key);
    if (known === undefined) {
      if (isLogToBeAsked) this.#askLog('cleared', { ...which, severity: 'warning', message, details: {} });
      return;
    }
    this.#raised.delete(key);
    const alert = recordable({ ...known.alert, message });
    this.#ports.log.info({ alert: alert.code, subject: alert.subject }, `Alert over: ${alert.message}`);
    const { raisedAt } = known;
    this.#tell({ id: newEventId(), kind: 'cleared', alert, at: this.#now(), raisedAt, folded: 0 });
  }

  /**
   * To be called where this process begins to watch what one of all watches: the one before may have raised what this
   * one had found gone, or found gone what this one had raised.
   */
  takeOver(): void {
    this.#spokenOf.clear();
  }

  status(): AlertsStatus {
    const { problem } = this.#file;
    return {
      raised: [...this.#raised.values()].map(({ alert, raisedAt }) => ({ ...alert, raisedAt })),
      channels: [...this.#channels.values()].map((channel) => channel.status()),
      unkept: problem === null ? null : { code: problem.code, message: problem.message },
    };
  }

  /** People are told from now on; the log is, once it is given. */
  start(): void {
    for (const [name, channel] of this.#channels) if (name !== LOG_CHANNEL) channel.start();
    this.#keeping = this.#lookNowAndThen();
  }

  /**
   * The log takes what has waited for it, and what comes. Not to be called where nothing may be appended
   * (LOG_MISMATCH): people are told all the same.
   */
  recordIn(store: EventStore): void {
    this.#store = store;
    this.#channels.get(LOG_CHANNEL)?.start();
  }

  /**
   * An alert of a process that cannot run, and so ends: waits until people are told, for at most `LAST_WORDS_MS`; what
   * is not told then is told after the next start.
   */
  async raiseAtEnd(alert: Alert): Promise<void> {
    const { clock } = this.#ports;
    this.raise(alert);
    const deadline = clock.now().getTime() + LAST_WORDS_MS;
    const isTold = (): boolean =>
      [...this.#channels.values()].every(({ name, waiting }) => name === LOG_CHANNEL || waiting.length === 0);
    while (!isTold() && clock.now().getTime() < deadline) await clock.sleep(50, this.#stop.signal);
  }

  /** What could not be told yet is told after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#keeping, ...[...this.#channels.values()].map((channel) => channel.close())]);
    this.#keep();
    this.#file.close();
  }

  #addChannel(notifier: Notifier): void {
    const { clock, log, random = Math.random } = this.#ports;
    const channel = new Channel({
      notifier,
      clock,
      random,
      onChange: () => {
        this.#keep();
      },
      onTrouble: ({ code, message }) => {
        log.warn({ code, channel: notifier.name }, `Alerts wait to be told (${notifier.name}): ${message}`);
      },
      onWellAgain: () => {
        log.info({ channel: notifier.name }, `Alerts are told again (${notifier.name}).`);
      },
    });
    this.#channels.set(notifier.name, channel);
  }

  #begin(alert: Alert, at: string): void {
    this.#raised.set(keyOf(alert), { alert, raisedAt: at, toldAt: at });
    this.#ports.log.error({ alert: alert.code, subject: alert.subject }, `Alert: ${alert.message}`);
  }

  /** With the first word since the start or a takeover, and now and then after it. */
  #isLogToBeAsked(key: string): boolean {
    const now = this.#ports.clock.now().getTime();
    const isSo = now - (this.#spokenOf.get(key) ?? Number.NEGATIVE_INFINITY) >= ASK_LOG_EVERY_MS;
    if (isSo) this.#spokenOf.set(key, now);
    return isSo;
  }

  /** Nothing, where the log says the same: for an alert that this process forgot, or of which another has spoken. */
  #askLog(kind: 'raised' | 'cleared', given: Alert): void {
    const alert = recordable(given);
    // What waits brings the log to what this process says.
    if (this.#waitsForLog(alert, ['raised', 'cleared'])) return;
    const at = this.#now();
    const notice: Notice = {
      id: newEventId(),
      kind,
      alert,
      at,
      raisedAt: at,
      folded: 0,
      isDoubtful: true,
    };
    this.#channels.get(LOG_CHANNEL)?.add(notice, 0);
  }

  /** The log said otherwise: what this process held as raised has ended and begun again, or another's alert is over. */
  #onTurned(notice: Notice): void {
    const raised = this.#raised.get(keyOf(notice.alert));
    // It has changed since, and people were told of that.
    if ((raised !== undefined) !== (notice.kind === 'raised')) return;
    if (raised !== undefined) this.#begin(raised.alert, notice.at);
    this.#tellPeople(notice);
  }

  #tell(notice: Notice): void {
    this.#tellLog(notice);
    this.#tellPeople(notice);
  }

  #tellLog(notice: Notice): void {
    const { kind, alert, at } = notice;
    if (kind === 'cleared') this.#recorded.delete(keyOf(alert));
    else this.#recorded.set(keyOf(alert), { text: textOf(alert), at: Date.parse(at) });
    this.#channels.get(LOG_CHANNEL)?.add(notice, this.#tooOften.log.dueAt(keyOf(alert)));
  }

  #tellPeople(notice: Notice): void {
    const dueAt = this.#tooOften.people.dueAt(keyOf(notice.alert));
    for (const [name, channel] of this.#channels) if (name !== LOG_CHANNEL) channel.add(notice, dueAt);
    this.#keep();
  }

  async #lookNowAndThen(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (!this.#file.isOpen) this.#restore();
      if (!this.#file.isWritten) this.#keep();
      await this.#heedOthers();
      this.#remind();
      for (const key of this.#raised.keys()) this.#recordChange(key);
      await this.#ports.clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #remind(): void {
    const now = this.#ports.clock.now().getTime();
    for (const [key, { toldAt }] of this.#raised) {
      if (now - Date.parse(toldAt) >= REMIND_AFTER_MS) this.#remindOf(key);
    }
  }

  #remindOf(key: string): void {
    const raised = this.#raised.get(key);
    if (raised === undefined) return;
    this.#raised.set(key, { ...raised, toldAt: this.#now() });
    this.#tell(this.#reminderOf(raised));
  }

  #reminderOf({ alert, raisedAt }: RaisedAlert): Notice {
    return { id: newEventId(), kind: 'reminder', alert, at: this.#now(), raisedAt, folded: 0 };
  }

  /** Whoever looks the alert up finds what it says now; nobody is called for that. */
  #recordChange(key: string): void {
    const raised = this.#raised.get(key);
    if (raised === undefined) return;
    const { alert } = raised;
    const { text = null, at: recordedAt = Number.NEGATIVE_INFINITY } = this.#recorded.get(key) ?? {};
    if (text === textOf(alert) || this.#waitsForLog(alert)) return;
    if (this.#ports.clock.now().getTime() - recordedAt < RECORD_CHANGES_EVERY_MS) return;
    this.#tellLog(this.#reminderOf(raised));
  }

  #waitsForLog(alert: Alert, kinds: readonly Notice['kind'][] = ['raised', 'cleared', 'reminder']): boolean {
    const waiting = this.#channels.get(LOG_CHANNEL)?.waiting ?? [];
    return waiting.some(({ notice }) => keyOf(notice.alert) === keyOf(alert) && kinds.includes(notice.kind));
  }

  /** Forgets what another process found gone after a takeover; whoever watches it still raises it again. */
  async #heedOthers(): Promise<void> {
    for (const [key, raised] of [...this.#raised]) {
      const isOver = await this.#isClearedElsewhere(raised);
      // What is said meanwhile is newer than what was read.
      if (!isOver || this.#raised.get(key) !== raised) continue;
      this.#raised.delete(key);
      this.#keep();
    }
  }

  /**
   * The log has heard that the alert is raised, so that its last word came after that: no clock is asked, as those of
   * two machines differ. False too where the log is away.
   */
  async #isClearedElsewhere({ alert }: RaisedAlert): Promise<boolean> {
    if (this.#store === null || this.#waitsForLog(alert)) return false;
    try {
      return await isClearedInLog(this.#store, alert);
    } catch {
      return false;
    }
  }

  /** Takes over what the file holds, as far as nothing newer is known. */
  #restore(): void {
    const kept = this.#file.open();
    if (kept === null) return this.#sayUnkept(this.#file.problem);
    const restored = kept.raised.filter(({ alert }) => !this.#spokenOf.has(keyOf(alert)));
    for (const raised of restored) this.#raised.set(keyOf(raised.alert), raised);
    for (const [name, channel] of this.#channels) {
      channel.restore(kept.waiting.filter((each) => each.channel === name));
      // A recipient that was corrected or added would hear nothing of them until tomorrow.
      const isNew = kept.channels.length > 0 && !kept.channels.includes(name);
      if (isNew) for (const raised of restored) channel.add(this.#reminderOf(raised), 0);
    }
    this.#keep();
  }

  #keep(): void {
    const state: AlertState = {
      raised: [...this.#raised.values()],
      waiting: [...this.#channels.values()].flatMap((channel) => channel.waiting),
      channels: [...this.#channels.keys()],
    };
    this.#file.write(state);
    this.#sayUnkept(this.#file.problem);
  }

  /** Once, until it is over. */
  #sayUnkept(problem: HoldfastError | null): void {
    if (problem !== null && !this.#hasTold) {
      this.#ports.log.warn({ code: problem.code }, `Alerts are kept in memory only: ${problem.message}`);
    }
    this.#hasTold = problem !== null;
  }

  #now(): string {
    return this.#ports.clock.now().toISOString();
  }
}

const textOf = ({ severity, message }: Alert): string => `${severity} ${message}`;

/** What the log would refuse would keep everything behind it from being told. */
function recordable({ code, subject, severity, message, details }: Alert): Alert {
  return {
    code,
    subject: subject.slice(0, MAX_SUBJECT_CHARS).toWellFormed() || '-',
    severity,
    message: message.slice(0, MAX_ALERT_MESSAGE_CHARS).toWellFormed(),
    details: asJson(details),
  };
}

function asJson(details: Alert['details']): Alert['details'] {
  try {
    return JSON.parse(JSON.stringify(details)) as Alert['details'];
  } catch {
    return {};
  }
}
