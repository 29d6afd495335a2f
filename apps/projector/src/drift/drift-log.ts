import type { Catalog, OpenDrift, OpenDriftQuestion } from '@holdfast/catalog';
import {
  type Clock,
  type DecidedEvent,
  derivedEventId,
  type DriftAction,
  type DriftSide,
  driftStream,
  type EventData,
  type EventMetadata,
  type EventStore,
  type Finding,
  isDrift,
  type NewEvent,
  type Position,
  type ScanKind,
} from '@holdfast/domain';
import { untilAnswered } from '../runtime/until-answered.ts';

export interface DriftLogPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'openDrift' | 'openDriftAt' | 'reached'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface ScanIdentity {
  readonly scanId: string;
  readonly node: string;
  readonly kind: ScanKind;
  readonly metadata: (now: Date) => EventMetadata;
}

const PAGE = 500;
/** Of one scan: whoever lost a whole disk needs no event for each file. The findings file has all. */
const MAX_DETECTED = 10_000;
const placeOf = ({ side, path }: Pick<Finding, 'side' | 'path'>): string => `${side}:${path}`;

/** What one scan records in the log: every event has an id that follows from the scan, so all may be repeated. */
export class DriftLog {
  readonly #ports: DriftLogPorts;
  readonly #scan: ScanIdentity;
  /** What was known before and found again, or could not be judged. */
  readonly #stillOpen = new Set<string>();
  #detected = 0;
  #last: Position | null = null;

  constructor(ports: DriftLogPorts, scan: ScanIdentity) {
    this.#ports = ports;
    this.#scan = scan;
  }

  started(data: Pick<EventData<'ScanStarted'>, 'jobId' | 'repair' | 'position'>): Promise<void> {
    return this.#append([this.#event({ type: 'ScanStarted', data: { ...this.#about, ...data } })]);
  }

  /** @param findings  lines of them for the event's body; null: all are in its data */
  completed(
    data: Omit<EventData<'ScanCompleted'>, 'scanId' | 'node' | 'kind'>,
    findings: Buffer | null,
  ): Promise<void> {
    const event = { type: 'ScanCompleted', data: { ...this.#about, ...data } } as const;
    return this.#append([this.#event(findings === null ? event : { ...event, body: findings })]);
  }

  aborted(error: { code: string; message: string }): Promise<void> {
    const { code, message } = error;
    const data = { ...this.#about, error: { code, message: message.slice(0, 2000) } };
    return this.#append([this.#event({ type: 'ScanAborted', data })]);
  }

  /** Records what is new among them. */
  async detected(findings: readonly Finding[]): Promise<void> {
    const events: NewEvent[] = [];
    for (const finding of findings) {
      if (!isDrift(finding) || finding.subject === 'listing') continue;
      if (this.#openAt(finding) !== null) {
        this.#stillOpen.add(placeOf(finding));
        continue;
      }
      if (this.#detected >= MAX_DETECTED) continue;
      this.#detected += 1;
      events.push(
        this.#event({ type: 'DriftDetected', data: { ...this.#about, ...finding } }, placeOf(finding)),
      );
    }
    await this.#append(events);
  }

  /** What is known of a document stays open: it was on its way when the scan came by. */
  unsettled(side: DriftSide, path: string): void {
    const { catalog } = this.#ports;
    const node = side === 'local' ? this.#scan.node : undefined;
    for (const place of [path, `${path}.prev`]) {
      const open = catalog.openDriftAt({ node, side, path: place });
      if (open !== null) this.#stillOpen.add(placeOf(open));
    }
  }

  /** Records what was mended: only what was recorded as drift before. */
  async repaired(findings: readonly Finding[], action: DriftAction): Promise<void> {
    await this.#untilCatalogKnows();
    await this.#append(
      findings.flatMap((finding) => {
        const open = this.#openAt(finding);
        return open === null ? [] : [this.#repairedEvent(finding, open.node, action)];
      }),
    );
  }

  /**
   * After a scan of everything: what was open, and was not found again, does not differ any more.
   * @param isWhole  whether everything on a side was looked at; where not, nobody knows
   */
  async closeOthers(isWhole: Readonly<Record<DriftSide, boolean>>): Promise<void> {
    await this.#untilCatalogKnows();
    if (isWhole.local) await this.#close({ side: 'local', node: this.#scan.node });
    // Whichever node found it: the bucket is one for all of them.
    if (isWhole.cdn) await this.#close({ side: 'cdn' });
  }

  async #close(question: Pick<OpenDriftQuestion, 'side' | 'node'>): Promise<void> {
    const { scanId } = this.#scan;
    let after: OpenDrift | null = null;
    for (;;) {
      const page: OpenDrift[] = this.#ports.catalog.openDrift({ ...question, after, limit: PAGE });
      const mended = page.filter((open) => open.scanId !== scanId && !this.#stillOpen.has(placeOf(open)));
      await this.#append(mended.map((open) => this.#repairedEvent(findingOf(open), open.node, 'none')));
      after = page.at(-1) ?? null;
      if (after === null) return;
    }
  }

  #openAt({ side, path }: Finding): OpenDrift | null {
    const node = side === 'local' ? this.#scan.node : undefined;
    return this.#ports.catalog.openDriftAt({ node, side, path });
  }

  get #about(): Pick<EventData<'ScanStarted'>, 'scanId' | 'node' | 'kind'> {
    const { scanId, node, kind } = this.#scan;
    return { scanId, node, kind };
  }

  /** @param node  that detected it */
  #repairedEvent(finding: Finding, node: string, action: DriftAction): NewEvent {
    const data = { ...this.#about, ...finding, node, action };
    return this.#event({ type: 'DriftRepaired', data }, `${node}:${placeOf(finding)}`);
  }

  #event(event: DecidedEvent, place = ''): NewEvent {
    const { scanId, metadata } = this.#scan;
    const id = derivedEventId('drift', event.type, scanId, place);
    return { ...event, id, metadata: metadata(this.#ports.clock.now()) };
  }

  async #append(events: readonly NewEvent[]): Promise<void> {
    const { store, signal } = this.#ports;
    for (let at = 0; at < events.length; at += PAGE) {
      const part = events.slice(at, at + PAGE);
      const stream = driftStream(this.#scan.node);
      const appended = await untilAnswered(this.#ports, () => store.append(stream, part, 'any'));
      signal.throwIfAborted();
      this.#last = appended?.position ?? this.#last;
    }
  }

  async #untilCatalogKnows(): Promise<void> {
    const { catalog, signal } = this.#ports;
    if (this.#last === null) return;
    await catalog.reached(this.#last, { timeoutMs: Number.POSITIVE_INFINITY, signal });
  }
}

const findingOf = ({ side, outcome, path, subject, expected, found }: OpenDrift): Finding => ({
  side,
  outcome,
  path,
  subject,
  expected,
  found,
});
