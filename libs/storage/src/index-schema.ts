/** What messages call the index of a generation. */
export const INDEX_WHAT = 'the index of a generation of local files';

/**
 * The index of one generation, SQL per schema version. A file's row is what stands on disk once its commit is
 * durable; an intent is a path that a replacement may have touched since. `temporary` is the id in the
 * names of the files the replacement makes beside it.
 */
export const INDEX_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE generation (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    log_id TEXT NOT NULL,
    checkpoint TEXT
  ) STRICT;
  CREATE TABLE files (
    path TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    position TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'deleted')),
    sha256 TEXT,
    md5 TEXT,
    bytes INTEGER,
    content_type TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE intents (
    path TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    position TEXT NOT NULL,
    temporary TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE poison (
    position TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    found_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];
