import type { DatabaseSync } from 'node:sqlite';
import {
  AwaitedPositions,
  type Clock,
  type EventStore,
  followLog,
  hasCode,
  HoldfastError,
  isPositionAtOrAfter,
  type LogPage,
  type Position,
} from '@holdfast/domain';
import { inTransaction, translateSqliteError } from '@holdfast/sqlite';
import { Applier } from './apply.ts';
import { type AlertsQuestion, type CatalogAlert, listAlerts } from './alerts.ts';
import { type AuditQuestion, listAuditPositions } from './audit.ts';
import { deleteCatalogFiles } from './delete-files.ts';
import { type DocumentsQuestion, findDocument, listDocuments } from './documents.ts';
import { findJob, listJobs } from './jobs.ts';
import {
  findReplication,
  listReplications,
  type ReplicationsPage,
  type ReplicationsQuestion,
} from './list-replications.ts';
import { Queries } from './queries.ts';
import {
  type CatalogScan,
  countOpenDrift,
  findOpenDrift,
  findScan,
  listOpenDrift,
  listScans,
  type OpenDrift,
  type DriftPlace,
  type OpenDriftQuestion,
  type ScansQuestion,
} from './scans.ts';
import { type BelowPrefix, describeBelow, listTree, type TreeEntry, type TreeQuestion } from './tree.ts';
import { countChanges, findNextRetry, findOldestPending, listDue } from './replications.ts';
import {
  type CatalogDocument,
  type CatalogJob,
  type CatalogNode,
  type DueReplication,
  REPLICATION_STATUSES,
  type ReplicationRow,
  type ReplicationStatus,
  type UnreadableRow,
} from './rows.ts';

const EVENTS_PER_TRANSACTION = 512;
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * One process's read model of the log: the ordered loop, every event once and in order, rows and checkpoint
 * in one transaction. Disposable: made by `openCatalog`, deleted and built again whenever in doubt.
 */
export class Catalog {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #queries: Queries;
  readonly #applier: Applier;
  readonly #listeners = new Set<() => void>();
  readonly #awaited: AwaitedPositions;
  readonly #stop = new AbortController();
  #checkpoint: Position | null;
  #following: Promise<void> = Promise.resolve();

  constructor(o: { db: DatabaseSync; file: string; store: EventStore; clock: Clock }) {
    this.#db = o.db;
    this.#file = o.file;
    this.#store = o.store;
    this.#clock = o.clock;
    this.#awaited = new AwaitedPositions(o.clock);
    this.#queries = new Queries(o.db);
    this.#applier = new Applier(o.db, o.clock);
    this.#checkpoint = readState(o.db, 'checkpoint');
  }

  /**
   * Follows the log until `close`.
   * @param onTrouble  told of failures that are tried again, and of the one that ends the following:
   *                   DATABASE_CORRUPT, after which only a restart (which builds the catalog again) helps
   */
  start(onTrouble: (error: unknown) => void): void {
    this.#following = followLog({
      store: this.#store,
      clock: this.#clock,
      after: () => this.#checkpoint,
      maxCount: EVENTS_PER_TRANSACTION,
      signal: this.#stop.signal,
      handle: (page) => {
        this.#apply(page);
      },
      onTrouble,
    }).catch(onTrouble);
  }

  /** What the rows reflect; null before the first event. */
  get checkpoint(): Position | null {
    return this.#checkpoint;
  }

  /** Resolves once the rows reflect what was the log's head when asked. */
  async caughtUp(): Promise<void> {
    await this.reached(await this.#store.head(), { timeoutMs: Number.POSITIVE_INFINITY });
  }

  /**
   * Resolves once the rows reflect that position: what makes a process read its own writes.
   * @throws CATALOG_LAGGING (transient) after `timeoutMs`, 10,000 by default, or when the signal aborts
   */
  async reached(
    position: Position,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<void> {
    if (isPositionAtOrAfter(this.#checkpoint, position)) return;
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    if (await this.#awaited.wait(position, { timeoutMs, signal })) return;
    const when = signal?.aborted === true ? 'when the waiting was ended' : `after ${timeoutMs} ms`;
    throw new HoldfastError(
      'CATALOG_LAGGING',
      `The catalog has not reached position ${position} ${when}; it is at ${this.#checkpoint ?? 'the start'}. What was written is safe; ask again in a moment.`,
      { context: { position, checkpoint: this.#checkpoint } },
    );
  }

  /** Told after each page that was applied. @returns a function that ends the listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  document(path: string): CatalogDocument | null {
    return findDocument(this.#queries, path);
  }

  documents(question: DocumentsQuestion): CatalogDocument[] {
    return listDocuments(this.#queries, question);
  }

  tree(question: TreeQuestion): TreeEntry[] {
    return listTree(this.#queries, question);
  }

  /** What is published below a prefix; counted up to 100,000. */
  belowPrefix(prefix: string): BelowPrefix {
    return describeBelow(this.#queries, prefix);
  }

  documentCounts(): { published: number; deleted: number } {
    return { published: this.#applier.count('published'), deleted: this.#applier.count('deleted') };
  }

  replicationsDue(question: { now: Date; limit: number; exclude: ReadonlySet<string> }): DueReplication[] {
    return listDue(this.#queries, question);
  }

  nextReplicationAt(): Date | null {
    return findNextRetry(this.#queries, this.#clock.now());
  }

  /** A page of the replication log; it may be short, see {@link ReplicationsPage}. */
  replications(question: ReplicationsQuestion): ReplicationsPage {
    return listReplications(this.#queries, question);
  }

  replication(path: string, version: number): ReplicationRow | null {
    return findReplication(this.#queries, path, version);
  }

  replicationCounts(): Record<ReplicationStatus, number> {
    const counts = REPLICATION_STATUSES.map((status) => [status, this.#applier.count(status)] as const);
    return Object.fromEntries(counts) as Record<ReplicationStatus, number>;
  }

  /** Published and deleted versions after a position, up to the catalog's own checkpoint; counted up to `max`. */
  changesAfter(position: Position | null, max: number): number {
    const upTo = this.checkpoint;
    return upTo === null ? 0 : countChanges(this.#queries, { after: position, upTo, max });
  }

  oldestPendingAt(): Date | null {
    return findOldestPending(this.#queries);
  }

  auditPositions(question: AuditQuestion): Position[] {
    return listAuditPositions(this.#queries, question);
  }

  alerts(question: AlertsQuestion): CatalogAlert[] {
    return listAlerts(this.#queries, question);
  }

  job(id: string): CatalogJob | null {
    return findJob(this.#queries, id);
  }

  jobs(question: { unfinishedOn?: string; limit: number }): CatalogJob[] {
    return listJobs(this.#queries, question);
  }

  scans(question: ScansQuestion): CatalogScan[] {
    return listScans(this.#queries, question);
  }

  /** By its own id or its job's. */
  scan(id: string): CatalogScan | null {
    return findScan(this.#queries, id);
  }

  openDrift(question: OpenDriftQuestion): OpenDrift[] {
    return listOpenDrift(this.#queries, question);
  }

  openDriftAt(place: DriftPlace): OpenDrift | null {
    return findOpenDrift(this.#queries, place);
  }

  openDriftCount(node?: string): number {
    return countOpenDrift(this.#queries, node);
  }

  nodes(): CatalogNode[] {
    return this.#queries
      .all('SELECT report, reported_at, heard_at FROM nodes ORDER BY node', [])
      .map((row) => ({
        ...(JSON.parse(row['report']!) as Omit<CatalogNode, 'reportedAt' | 'heardAt'>),
        reportedAt: row['reported_at']!,
        heardAt: row['heard_at']!,
      }));
  }

  /** Names of nodes that an operator retired and that have not reported since. */
  retiredNodes(): string[] {
    return this.#queries.all('SELECT node FROM retired_nodes ORDER BY node', []).map((row) => row['node']!);
  }

  /** The catalog's dead letters: events it passed because this program cannot read them. */
  unreadable(limit: number): { count: number; events: UnreadableRow[] } {
    const rows = this.#queries.all('SELECT * FROM unreadable ORDER BY position LIMIT ?', [limit]);
    return { count: this.#applier.count('unreadable'), events: rows as unknown as UnreadableRow[] };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#db.close();
  }

  #apply(page: LogPage): void {
    const { next } = page;
    if (next === null || next === this.#checkpoint) return;
    try {
      inTransaction(this.#db, () => {
        this.#applier.applyPage(page.events);
        writeState(this.#db, 'checkpoint', next);
      });
    } catch (error) {
      this.#applier.forget();
      const known = translateSqliteError(error, { attempted: 'to write the catalog', file: this.#file });
      // The next start builds it again instead of meeting the damage again.
      if (hasCode(known, 'DATABASE_CORRUPT')) deleteCatalogFiles(this.#file);
      throw known;
    }
    this.#checkpoint = next;
    this.#tell();
  }

  #tell(): void {
    if (this.#checkpoint !== null) this.#awaited.arrived(this.#checkpoint);
    for (const listener of [...this.#listeners]) listener();
  }
}

export function readState(db: DatabaseSync, key: 'checkpoint' | 'logId'): string | null {
  const row = db.prepare('SELECT value FROM state WHERE key = ?').get(key);
  return (row?.['value'] as string | undefined) ?? null;
}

export function writeState(db: DatabaseSync, key: 'checkpoint' | 'logId', value: string): void {
  db.prepare('INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
    key,
    value,
  );
}
