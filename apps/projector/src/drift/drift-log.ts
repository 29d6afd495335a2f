import type { Catalog, OpenDrift } from '@holdfast/catalog';
import {
  type Clock,
  type DecidedEvent,
  derivedEventId,
  type DriftAction,
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
  readonly catalog: Pick<Catalog, 'openDrift' | 'openDriftAt' | 'document' | 'replication' | 'reached'>;
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
  /** What was known before and found again. */
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

  completed(data: Omit<EventData<'ScanCompleted'>, 'scanId' | 'node' | 'kind'>): Promise<void> {
    return this.#append([this.#event({ type: 'ScanCompleted', data: { ...this.#about, ...data } })]);
  }

  aborted(error: { code: string; message: string }): Promise<void> {
    const { code, message } = error;
    const data = { ...this.#about, error: { code, message: message.slice(0, 2000) } };
    return this.#append([this.#event({ type: 'ScanAborted', data })]);
  }

  /** Records what is new among them. */
  async detected(findings: readonly Finding[]): Promise<void> {
    const { node } = this.#scan;
    const events: NewEvent[] = [];
    for (const finding of findings) {
      if (!isDrift(finding) || finding.subject === 'listing') continue;
      if (this.#ports.catalog.openDriftAt({ node, side: finding.side, path: finding.path }) !== null) {
        this.#stillOpen.add(placeOf(finding));
        continue;
      }
      if (this.#detected >= MAX_DETECTED) continue;
      this.#detected += 1;
      events.push(this.#event({ type: 'DriftDetected', data: { ...this.#about, ...finding } }, finding));
    }
    await this.#append(events);
  }

  /** Records what was mended: only what was recorded as drift before. */
  async repaired(findings: readonly Finding[], action: DriftAction): Promise<void> {
    await this.#untilCatalogKnows();
    const { node } = this.#scan;
    const known = findings.filter(
      ({ side, path }) => this.#ports.catalog.openDriftAt({ node, side, path }) !== null,
    );
    await this.#append(
      known.map((finding) =>
        this.#event({ type: 'DriftRepaired', data: { ...this.#about, ...finding, action } }, finding),
      ),
    );
  }

  /** After a scan of everything: what was open, and was not found again, does not differ any more. */
  async closeOthers(): Promise<void> {
    await this.#untilCatalogKnows();
    const { node, scanId } = this.#scan;
    let after: OpenDrift | null = null;
    for (;;) {
      const page: OpenDrift[] = this.#ports.catalog.openDrift({ node, after, limit: PAGE });
      const mended = page.filter(
        (open) => open.scanId !== scanId && !this.#stillOpen.has(placeOf(open)) && this.#isSettled(open),
      );
      for (const open of mended) await this.repaired([findingOf(open)], 'none');
      after = page.at(-1) ?? null;
      if (after === null) return;
    }
  }

  /** What waits for its replication has not been looked at. */
  #isSettled({ side, path }: OpenDrift): boolean {
    if (side === 'local') return true;
    const document = this.#ports.catalog.document(path);
    if (document === null) return true;
    return this.#ports.catalog.replication(document.path, document.version)?.status === 'success';
  }

  get #about(): Pick<EventData<'ScanStarted'>, 'scanId' | 'node' | 'kind'> {
    const { scanId, node, kind } = this.#scan;
    return { scanId, node, kind };
  }

  #event(event: DecidedEvent, finding?: Finding): NewEvent {
    const { scanId, metadata } = this.#scan;
    const place = finding === undefined ? '' : placeOf(finding);
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
