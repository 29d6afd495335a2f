import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock, ContentEvent, EventOf, LogEntry } from '@holdfast/domain';
import { Counters } from './counters.ts';
import type { ReplicationStatus } from './rows.ts';

interface KnownDocument {
  status: 'published' | 'deleted';
  version: number;
  settled_version: number | null;
}

/**
 * The catalog's fold: one event into rows. Runs inside the page's transaction, in the order of the log,
 * each event once.
 */
export class Applier {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #statements = new Map<string, StatementSync>();
  #counters: Counters;

  constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#counters = new Counters(db);
  }

  count(name: string): number {
    return this.#counters.get(name);
  }

  applyPage(events: readonly LogEntry[]): void {
    for (const event of events) this.#apply(event);
    this.#counters.save(this.#db);
  }

  /** The page's transaction was rolled back: counts start again from what is stored. */
  forget(): void {
    this.#counters = new Counters(this.#db);
  }

  #apply(event: LogEntry): void {
    if (event.type === 'Unreadable') {
      this.#run('INSERT INTO unreadable VALUES (?, ?, ?)', event.position, event.stream, event.error.message);
      this.#counters.add('unreadable', 1);
      return;
    }
    this.#applyAudit(event);
    switch (event.type) {
      case 'ContentPublished':
      case 'ContentDeleted':
        return this.#applyContent(event);
      case 'ContentReplicated':
        return this.#applyReplicated(event);
      case 'ReplicationFailed':
        return this.#applyFailed(event);
      case 'ReplicationDeadLettered':
        return this.#applyDeadLettered(event);
      case 'ReplicationRetryRequested':
        return this.#applyRetryRequested(event);
      case 'JobRequested':
        return this.#applyJobRequested(event);
      case 'JobProgressed':
        return this.#applyJobProgressed(event);
      case 'JobFinished':
        return this.#applyJobFinished(event);
      case 'NodeReported':
        this.#run(
          `INSERT INTO nodes VALUES (?, ?, ?, ?) ON CONFLICT (node) DO UPDATE
            SET report = excluded.report, reported_at = excluded.reported_at, heard_at = excluded.heard_at`,
          event.data.node,
          JSON.stringify(event.data),
          event.metadata.at,
          this.#clock.now().toISOString(),
        );
        this.#run('DELETE FROM retired_nodes WHERE node = ?', event.data.node);
        return;
      case 'NodeRetired':
        this.#run('DELETE FROM nodes WHERE node = ?', event.data.node);
        this.#run('INSERT INTO retired_nodes VALUES (?) ON CONFLICT DO NOTHING', event.data.node);
        return;
      case 'ScanStarted':
        return this.#applyScanStarted(event);
      case 'ScanCompleted':
        this.#run(
          `UPDATE scans SET state = 'completed', ended_at = ?, ended_position = ?, report = ? WHERE id = ?`,
          event.metadata.at,
          event.position,
          JSON.stringify(event.data),
          event.data.scanId,
        );
        return;
      case 'ScanAborted':
        this.#run(
          `UPDATE scans SET state = 'aborted', ended_at = ?, ended_position = ?, error = ? WHERE id = ?`,
          event.metadata.at,
          event.position,
          JSON.stringify(event.data.error),
          event.data.scanId,
        );
        return;
      case 'DriftDetected':
        return this.#applyDriftDetected(event);
      case 'DriftRepaired': {
        const { node, side, path } = event.data;
        this.#run('DELETE FROM drift WHERE node = ? AND side = ? AND path = ?', node, side, path);
        return;
      }
      case 'AlertRaised':
        return this.#applyAlertRaised(event);
      case 'AlertCleared':
        return this.#applyAlertCleared(event);
      case 'ModeChanged':
      case 'LogCreated':
      case 'BodyChunk':
        return;
    }
  }

  /** What an auditor asks for: everything but the pieces of bodies and the pulse of nodes and jobs. */
  #applyAudit(event: Exclude<LogEntry, { type: 'Unreadable' }>): void {
    if (event.type === 'NodeReported' || event.type === 'BodyChunk' || event.type === 'JobProgressed') return;
    const path = 'path' in event.data ? event.data.path : null;
    const { actor, at } = event.metadata;
    this.#run('INSERT INTO audit VALUES (?, ?, ?, ?, ?)', event.position, event.type, path, actor, at);
  }

  #applyContent(event: ContentEvent): void {
    const { path } = event.data;
    const { actor, causationId, correlationId } = event.metadata;
    const known = this.#knownDocument(path);
    if (known) {
      this.#counters.add(known.status, -1);
      // A version that never reached the bucket will not any more: its successor does.
      if (known.settled_version !== known.version) this.#setStatus(path, known.version, 'superseded');
    }
    const status = event.type === 'ContentPublished' ? 'published' : 'deleted';
    const content = event.type === 'ContentPublished' ? event.data : null;
    // The bucket may have done the deletion before its record is here: a reader sent there would find nothing.
    const wasDeleted = known?.status === 'deleted';
    this.#counters.add(status, 1);
    this.#run(
      `INSERT INTO documents (path, status, version, position, at, actor, content_type, bytes, sha256, md5, source_sha256, due_at, attempt)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1)
       ON CONFLICT (path) DO UPDATE SET status = excluded.status, version = excluded.version,
         position = excluded.position, at = excluded.at, actor = excluded.actor, content_type = excluded.content_type,
         bytes = excluded.bytes, sha256 = excluded.sha256, md5 = excluded.md5,
         source_sha256 = excluded.source_sha256, due_at = 0, attempt = 1${wasDeleted ? NOTHING_KNOWN_ON_CDN : ''}`,
      path,
      status,
      event.version,
      event.position,
      event.metadata.at,
      actor,
      content?.contentType ?? null,
      content?.bytes ?? null,
      content?.sha256 ?? null,
      content?.md5 ?? null,
      content?.sourceSha256 ?? null,
    );
    this.#run(
      `INSERT INTO replications (path, version, position, action, status, attempts, earlier_attempts, queued_at,
         local_sha256, correlation_id, causation_id, actor)
       VALUES (?, ?, ?, ?, 'queued', 0, 0, ?, ?, ?, ?, ?)`,
      path,
      event.version,
      event.position,
      content ? 'put' : 'delete',
      event.metadata.at,
      content?.sha256 ?? null,
      correlationId,
      causationId === correlationId ? null : causationId,
      actor,
    );
    this.#counters.add('queued', 1);
    this.#run('INSERT OR IGNORE INTO hours VALUES (?, ?)', hourOf(event.metadata.at), event.position);
  }

  #applyReplicated(event: EventOf<'ContentReplicated'>): void {
    const { path, version, action, sha256, etag, storedMs, attempt, durationMs } = event.data;
    const { at } = event.metadata;
    const known = this.#knownDocument(path);
    // Of a version that this program could not read: nothing is known of it.
    if (known === undefined || version > known.version) return;
    this.#setStatus(path, version, 'success');
    this.#run(
      `UPDATE replications SET attempts = earlier_attempts + ?, started_at = ?, ended_at = ?, next_retry_at = NULL, cdn_sha256 = ?,
         etag = ?, error_code = NULL, error_message = NULL WHERE path = ? AND version = ?`,
      attempt,
      startOf(at, durationMs),
      at,
      sha256,
      etag,
      path,
      version,
    );
    const isThere = action === 'put' && !this.#mayBeDeletedSince(path, version, known);
    this.#run(
      `UPDATE documents SET cdn_version = ?, cdn_sha256 = ?, cdn_etag = ?, cdn_at = ?, cdn_stored_ms = ?,
         settled_version = ?,
         due_at = CASE WHEN version = ? THEN NULL ELSE due_at END WHERE path = ?`,
      isThere ? version : null,
      isThere ? sha256 : null,
      isThere ? etag : null,
      isThere ? at : null,
      isThere ? (storedMs ?? null) : null,
      version,
      version,
      path,
    );
    // Two projectors at once: the older version was recorded last, and may be what the bucket holds now.
    if (known.settled_version === known.version && version < known.version) {
      this.#queueAgain(path, known.version);
    }
  }

  #applyFailed(event: EventOf<'ReplicationFailed'>): void {
    const { path, version, attempt, error, nextRetryAt, durationMs } = event.data;
    const { at } = event.metadata;
    if (!this.#isCurrent(path, version)) return;
    this.#setStatus(path, version, 'failed');
    this.#run(
      `UPDATE replications SET attempts = earlier_attempts + ?, started_at = ?, ended_at = ?, next_retry_at = ?, error_code = ?,
         error_message = ? WHERE path = ? AND version = ?`,
      attempt,
      startOf(at, durationMs),
      at,
      nextRetryAt,
      error.code,
      error.message,
      path,
      version,
    );
    this.#run(
      'UPDATE documents SET due_at = ?, attempt = ? WHERE path = ?',
      Date.parse(nextRetryAt),
      attempt + 1,
      path,
    );
  }

  #applyDeadLettered(event: EventOf<'ReplicationDeadLettered'>): void {
    const { path, version, attempts, error, durationMs } = event.data;
    const { at } = event.metadata;
    if (!this.#isCurrent(path, version)) return;
    this.#setStatus(path, version, 'dead-letter');
    this.#run(
      `UPDATE replications SET attempts = earlier_attempts + ?, started_at = coalesce(?, started_at), ended_at = ?, next_retry_at = NULL, error_code = ?, error_message = ?
       WHERE path = ? AND version = ?`,
      attempts,
      durationMs === undefined ? null : startOf(at, durationMs),
      at,
      error.code,
      error.message,
      path,
      version,
    );
    this.#run('UPDATE documents SET due_at = NULL WHERE path = ?', path);
  }

  /** Also for a version that is in the bucket: then nobody trusts that any more, and readers go local meanwhile. */
  #applyRetryRequested(event: EventOf<'ReplicationRetryRequested'>): void {
    const { path, version } = event.data;
    if (this.#knownDocument(path)?.version !== version) return;
    this.#queueAgain(path, version);
    this.#run(`UPDATE documents SET settled_version = NULL${NOTHING_KNOWN_ON_CDN} WHERE path = ?`, path);
  }

  /** Another round of attempts; what an earlier one came to is not believed any more. */
  #queueAgain(path: string, version: number): void {
    this.#setStatus(path, version, 'queued');
    this.#run(
      `UPDATE replications SET earlier_attempts = attempts, next_retry_at = NULL, cdn_sha256 = NULL, etag = NULL
       WHERE path = ? AND version = ?`,
      path,
      version,
    );
    this.#run('UPDATE documents SET due_at = 0, attempt = 1 WHERE path = ?', path);
  }

  #applyJobRequested(event: EventOf<'JobRequested'>): void {
    const { kind, node, parameters } = event.data;
    this.#run(
      `INSERT INTO jobs (id, position, kind, node, parameters, state, actor, requested_at)
       VALUES (?, ?, ?, ?, ?, 'requested', ?, ?) ON CONFLICT (id) DO NOTHING`,
      jobIdOf(event.stream),
      event.position,
      kind,
      node,
      JSON.stringify(parameters),
      event.metadata.actor,
      event.metadata.at,
    );
  }

  #applyJobProgressed(event: EventOf<'JobProgressed'>): void {
    this.#run(
      `UPDATE jobs SET state = 'running', progress = ? WHERE id = ? AND state IN ('requested', 'running')`,
      JSON.stringify(event.data),
      jobIdOf(event.stream),
    );
  }

  #applyJobFinished(event: EventOf<'JobFinished'>): void {
    const { outcome, counts, error } = event.data;
    this.#run(
      'UPDATE jobs SET state = ?, counts = ?, error = ?, finished_at = ? WHERE id = ?',
      outcome,
      JSON.stringify(counts),
      error === null ? null : JSON.stringify(error),
      event.metadata.at,
      jobIdOf(event.stream),
    );
  }

  /** One that is raised already, by another process perhaps, is the same alert with newer words. */
  #applyAlertRaised({ data, position, metadata }: EventOf<'AlertRaised'>): void {
    const { code, subject, severity, message, details } = data;
    const [at, text] = [metadata.at, JSON.stringify(details)];
    this.#run(
      `INSERT INTO alerts (position, code, subject, severity, message, details, raised_at, raised_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (code, subject) WHERE cleared_at IS NULL
       DO UPDATE SET severity = excluded.severity, message = excluded.message, details = excluded.details`,
      position,
      code,
      subject,
      severity,
      message,
      text,
      at,
      metadata.actor,
    );
  }

  #applyAlertCleared({ data, position, metadata }: EventOf<'AlertCleared'>): void {
    this.#run(
      `UPDATE alerts SET cleared_position = ?, cleared_at = ?, cleared_by = ?, cleared_message = ?
       WHERE code = ? AND subject = ? AND cleared_at IS NULL`,
      position,
      metadata.at,
      metadata.actor,
      data.message,
      data.code,
      data.subject,
    );
  }

  #applyScanStarted({ data, position, metadata }: EventOf<'ScanStarted'>): void {
    const { scanId, jobId, node, kind, repair } = data;
    this.#run(
      `INSERT INTO scans (id, job_id, node, kind, repair, state, position, started_at)
       VALUES (?, ?, ?, ?, ?, 'running', ?, ?) ON CONFLICT (id) DO NOTHING`,
      scanId,
      jobId,
      node,
      kind,
      repair,
      position,
      metadata.at,
    );
  }

  #applyDriftDetected({ data, metadata }: EventOf<'DriftDetected'>): void {
    const { node, side, path, outcome, subject, expected, found, scanId } = data;
    this.#run(
      'INSERT OR REPLACE INTO drift VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      node,
      side,
      path,
      outcome,
      subject,
      expected,
      found,
      scanId,
      metadata.at,
    );
  }

  #knownDocument(path: string): KnownDocument | undefined {
    return this.#statement('SELECT status, version, settled_version FROM documents WHERE path = ?').get(
      path,
    ) as KnownDocument | undefined;
  }

  /** A late record of an object that is published again: whether a deletion in between may have taken it. */
  #mayBeDeletedSince(path: string, version: number, known: KnownDocument): boolean {
    if (known.status === 'deleted' || version === known.version) return false;
    const deletion = this.#statement(
      `SELECT 1 FROM replications WHERE path = ? AND version > ? AND action = 'delete' LIMIT 1`,
    ).get(path, version);
    return deletion !== undefined;
  }

  /** The outcome is about what the path wants now, and has not reached the bucket yet. */
  #isCurrent(path: string, version: number): boolean {
    const known = this.#knownDocument(path);
    return known?.version === version && known.settled_version !== version;
  }

  #setStatus(path: string, version: number, status: ReplicationStatus): void {
    const row = this.#statement('SELECT status FROM replications WHERE path = ? AND version = ?').get(
      path,
      version,
    );
    if (row === undefined) return;
    this.#counters.add(row['status'] as string, -1);
    this.#counters.add(status, 1);
    this.#run('UPDATE replications SET status = ? WHERE path = ? AND version = ?', status, path, version);
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

const NOTHING_KNOWN_ON_CDN =
  ', cdn_version = NULL, cdn_sha256 = NULL, cdn_etag = NULL, cdn_at = NULL, cdn_stored_ms = NULL';

const startOf = (endedAt: string, durationMs: number): string =>
  new Date(Date.parse(endedAt) - durationMs).toISOString();

/** @param instant  ISO in UTC, as events have it; hours compare as their instants do */
export const hourOf = (instant: string): string => instant.slice(0, 'YYYY-MM-DDThh'.length);

const jobIdOf = (stream: string): string => stream.slice('job-'.length);
