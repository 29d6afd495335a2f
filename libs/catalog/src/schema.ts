/** To be raised with every change of the tables below. */
const VERSION = 10;

// Also tables of older versions that are no more.
const TABLES = [
  'state',
  'documents',
  'replications',
  'hours',
  'jobs',
  'nodes',
  'retired_nodes',
  'audit',
  'unreadable',
  'scans',
  'drift',
  'alerts',
  'counters',
];

const SCHEMA = `
  CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- One row for each path that was ever published.
  CREATE TABLE documents (
    path TEXT PRIMARY KEY,
    status TEXT NOT NULL,          -- published, deleted
    version INTEGER NOT NULL,
    position TEXT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    content_type TEXT,
    bytes INTEGER,
    sha256 TEXT,
    md5 TEXT,
    source_sha256 TEXT,
    cdn_version INTEGER,           -- what the bucket holds now, by the replication events; null: nothing, or not known
    cdn_sha256 TEXT,
    cdn_etag TEXT,
    cdn_at TEXT,
    cdn_stored_ms INTEGER,         -- by the bucket's clock; null: not known
    settled_version INTEGER,       -- the version that last reached the bucket, deletions included
    due_at INTEGER,                -- when to replicate, ms since 1970; 0: at once; null: nothing to do
    attempt INTEGER NOT NULL       -- the number of the attempt to make
  ) WITHOUT ROWID;
  CREATE INDEX documents_due ON documents (due_at, position) WHERE due_at IS NOT NULL;

  -- One row for each version of each path: the replication log.
  CREATE TABLE replications (
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    position TEXT NOT NULL,        -- of the content event: the order of pages, which never changes
    action TEXT NOT NULL,
    status TEXT NOT NULL,          -- queued, failed, success, dead-letter, superseded
    attempts INTEGER NOT NULL,     -- made so far, in all rounds
    earlier_attempts INTEGER NOT NULL, -- of the rounds before the one that is going on
    queued_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    next_retry_at TEXT,
    local_sha256 TEXT,
    cdn_sha256 TEXT,
    etag TEXT,
    error_code TEXT,
    error_message TEXT,
    correlation_id TEXT NOT NULL,  -- of the content event, as is what follows
    causation_id TEXT,             -- null where it is the correlation id: then no job stands in between
    actor TEXT NOT NULL,
    PRIMARY KEY (path, version)
  ) WITHOUT ROWID;
  CREATE INDEX replications_position ON replications (position);
  CREATE INDEX replications_open ON replications (status, position) WHERE status IN ('queued', 'failed', 'dead-letter');

  -- The first position of what was published or deleted in an hour, by the clocks of the time: no row before the
  -- first of all hours from some instant on is of that instant or later.
  CREATE TABLE hours (hour TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    kind TEXT NOT NULL,
    node TEXT NOT NULL,
    parameters TEXT NOT NULL,
    state TEXT NOT NULL,           -- requested, running, succeeded, failed
    actor TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    progress TEXT,
    counts TEXT,
    error TEXT,
    finished_at TEXT
  ) WITHOUT ROWID;
  CREATE INDEX jobs_position ON jobs (position);
  CREATE INDEX jobs_unfinished ON jobs (node, position) WHERE state IN ('requested', 'running');

  CREATE TABLE nodes (node TEXT PRIMARY KEY, report TEXT NOT NULL, reported_at TEXT NOT NULL, heard_at TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE retired_nodes (node TEXT PRIMARY KEY) WITHOUT ROWID;

  -- Narrow, so that filters by type, actor and time scan it fast; the events themselves stay in the log.
  CREATE TABLE audit (position TEXT PRIMARY KEY, type TEXT NOT NULL, path TEXT, actor TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX audit_path ON audit (path, position) WHERE path IS NOT NULL;

  -- Events this program could not read: the catalog's dead letters.
  CREATE TABLE unreadable (position TEXT PRIMARY KEY, stream TEXT NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE scans (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    repair TEXT NOT NULL,
    state TEXT NOT NULL,           -- running, completed, aborted
    position TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    ended_position TEXT,           -- of the event that ended it
    report TEXT,                   -- of a completed one, as in its event
    error TEXT                     -- of an aborted one
  ) WITHOUT ROWID;
  CREATE INDEX scans_position ON scans (position);
  CREATE INDEX scans_job ON scans (job_id);

  -- What was detected and has not been mended.
  CREATE TABLE drift (
    node TEXT NOT NULL,
    side TEXT NOT NULL,
    path TEXT NOT NULL,
    outcome TEXT NOT NULL,
    subject TEXT NOT NULL,
    expected TEXT,
    found TEXT,
    scan_id TEXT NOT NULL,
    detected_at TEXT NOT NULL,
    PRIMARY KEY (node, side, path)
  ) WITHOUT ROWID;
  CREATE INDEX drift_place ON drift (side, path);

  -- One row for each time that a condition held.
  CREATE TABLE alerts (
    position TEXT PRIMARY KEY,     -- of the event that raised it: the order of pages
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    details TEXT NOT NULL,
    raised_at TEXT NOT NULL,
    raised_by TEXT NOT NULL,
    cleared_position TEXT,         -- null, as what follows, while it holds
    cleared_at TEXT,
    cleared_by TEXT,
    cleared_message TEXT
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX alerts_open ON alerts (code, subject) WHERE cleared_at IS NULL;

  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

/**
 * One SQL text for each version of the schema. The catalog is disposable: rows of an older version are dropped, its
 * checkpoint among them, and made again from the log.
 */
export const CATALOG_MIGRATIONS: readonly string[] = [
  ...Array<string>(VERSION - 1).fill(''),
  TABLES.map((table) => `DROP TABLE IF EXISTS ${table};`).join('\n') + SCHEMA,
];
