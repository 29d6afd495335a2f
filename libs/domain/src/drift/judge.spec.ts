import { describe, expect, it } from '@jest/globals';
import { LOG_ID, OTHER_LOG_ID, path } from '../testing/fixtures.ts';
import { type ExpectedDocument, judgeDocument, judgeExtra, type LocalEntry } from './judge-local.ts';
import { judgeExtraObject, judgeListed, judgeObject } from './judge-remote.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const MD5 = 'c'.repeat(32);
const document: ExpectedDocument = {
  path: path('units/u.json'),
  version: 3,
  position: '0001',
  sha256: A,
  md5: MD5,
  bytes: 10,
  contentType: 'application/json',
  previousSha256: B,
};
const file = { kind: 'file', bytes: 10, mode: 0o644, sha256: A, problem: null } as const;
const entry: LocalEntry = {
  ...file,
  path: document.path,
  role: 'document',
  previous: { ...file, sha256: B },
};
const at = { side: 'local', path: 'units/u.json', subject: 'document', expected: A };
const beside = { ...at, path: 'units/u.json.prev', subject: 'previous', expected: B };

describe('a local document', () => {
  it('is fine with its bytes, its mode and its version before', () => {
    expect(judgeDocument(document, entry, entry.previous)).toEqual([]);
    expect(judgeDocument({ ...document, previousSha256: null }, entry, null)).toEqual([]);
  });

  it.each([
    [
      'is missing',
      null,
      [
        { ...at, outcome: 'missing', found: null },
        { ...beside, outcome: 'missing', found: null },
      ],
    ],
    ['has other bytes', { ...entry, sha256: B }, [{ ...at, outcome: 'different', found: B }]],
    [
      'cannot be read',
      { ...entry, sha256: null, problem: 'EIO' },
      [{ ...at, outcome: 'unreadable', found: 'EIO' }],
    ],
    [
      'is a link',
      { ...entry, kind: 'link' as const, sha256: null },
      [{ ...at, outcome: 'different', found: 'a symbolic link' }],
    ],
    [
      'has another mode',
      { ...entry, mode: 0o600 },
      [{ ...at, subject: 'mode', outcome: 'different', expected: 'mode 0644', found: 'mode 0600' }],
    ],
    ['has lost its .prev', { ...entry, previous: null }, [{ ...beside, outcome: 'missing', found: null }]],
    [
      'has a .prev of other bytes',
      { ...entry, previous: file },
      [{ ...beside, outcome: 'different', found: A }],
    ],
  ])('that %s is told as it is', (_, found, findings) => {
    expect(judgeDocument(document, found, found?.previous ?? null)).toEqual(findings);
  });

  it('has no .prev unless there was a version before', () => {
    expect(judgeDocument({ ...document, previousSha256: null }, entry, entry.previous)).toEqual([
      { ...beside, outcome: 'orphan', expected: null, found: B },
    ]);
  });
});

describe('a local name that no document has', () => {
  const directory = {
    kind: 'directory',
    role: 'directory',
    mode: 0o755,
    sha256: null,
    previous: null,
  } as const;
  it.each([
    ['a document', entry, { outcome: 'orphan', subject: 'document', found: A }],
    [
      'a temporary file',
      { ...entry, role: 'temporary' as const },
      { outcome: 'orphan', subject: 'temporary' },
    ],
    ['a stray .prev', { ...entry, role: 'previous' as const }, { outcome: 'orphan', subject: 'previous' }],
    ['a link', { ...entry, kind: 'link' as const, sha256: null }, { outcome: 'orphan', subject: 'link' }],
    ['a pipe', { ...entry, kind: 'other' as const, sha256: null }, { outcome: 'orphan', subject: 'file' }],
    [
      'a file of some other name',
      { ...entry, role: 'unknown' as const },
      { outcome: 'orphan', subject: 'file' },
    ],
    [
      'a directory named as none of ours',
      { ...entry, ...directory, role: 'unknown' as const },
      { outcome: 'orphan', subject: 'directory' },
    ],
    [
      'a directory of another mode',
      { ...entry, ...directory, mode: 0o700 },
      { outcome: 'different', subject: 'mode', found: 'mode 0700' },
    ],
    [
      'a directory that cannot be read',
      { ...entry, ...directory, problem: 'EACCES' },
      { outcome: 'unreadable', subject: 'directory', found: 'EACCES' },
    ],
  ])('%s', (_, found, finding) => {
    expect(judgeExtra(found)).toMatchObject(finding);
  });

  it('a directory as ours are may stay', () => {
    expect(judgeExtra({ ...entry, ...directory })).toBeNull();
  });
});

describe('an object in a listing', () => {
  const listed = { key: document.path, bytes: 10, etag: MD5, modifiedMs: 5_000 };
  const put = { etag: null, storedMs: 5_999 };
  it.each([
    ['same by its MD5', listed, { ...put, etagIsMd5: true }, 'same'],
    ['missing', null, { ...put, etagIsMd5: true, etag: MD5 }, 'missing'],
    ['different by its size', { ...listed, bytes: 11 }, { ...put, etagIsMd5: false, etag: MD5 }, 'different'],
    ['different by its MD5', { ...listed, etag: 'd'.repeat(32) }, { ...put, etagIsMd5: true }, 'different'],
    [
      'same by the ETag it was given',
      { ...listed, etag: 'x-1' },
      { ...put, etagIsMd5: false, etag: 'x-1' },
      'same',
    ],
    ['uncertain with an ETag of parts', { ...listed, etag: 'x-1' }, { ...put, etagIsMd5: true }, 'look'],
    ['uncertain with an ETag of its own', listed, { ...put, etagIsMd5: false, etag: 'x-1' }, 'look'],
    [
      'uncertain once written after it was put',
      { ...listed, modifiedMs: 6_000 },
      { ...put, etagIsMd5: true },
      'look',
    ],
    [
      'uncertain once written after it was put, whatever its ETag',
      { ...listed, etag: 'x-1', modifiedMs: 6_000 },
      { ...put, etagIsMd5: false, etag: 'x-1' },
      'look',
    ],
    [
      'uncertain where the listing has no times',
      { ...listed, modifiedMs: null },
      { ...put, etagIsMd5: true },
      'look',
    ],
    ['uncertain where the put is not known', listed, { ...put, storedMs: null, etagIsMd5: true }, 'look'],
  ] as const)('is %s', (_, object, known, outcome) => {
    expect(judgeListed(document, object, known)).toBe(outcome);
  });
});

describe('an object that was asked for', () => {
  const metadata = { sha256: A, version: '3', 'holdfast-log': LOG_ID };
  const head = {
    key: document.path,
    bytes: 10,
    etag: MD5,
    contentType: 'application/json',
    cacheControl: null,
    metadata,
  };
  const settings = { etagIsMd5: true, logId: LOG_ID };
  const judge = (changes: Partial<typeof head>, sha256: string | null = null, etagIsMd5 = true) =>
    judgeObject(document, { head: { ...head, ...changes }, sha256 }, { ...settings, etagIsMd5 });

  it('is fine with its bytes and what is said of them', () => {
    expect(judge({})).toBeNull();
    expect(judge({}, A)).toBeNull();
    expect(judge({ etag: 'x-1' })).toBeNull();
  });

  it.each([
    ['another MD5', judge({ etag: 'd'.repeat(32) }), { subject: 'document', outcome: 'different' }],
    ['bytes that are not what its ETag says', judge({}, B), { subject: 'document', found: B }],
    [
      'a version that its log does not have',
      judge({ etag: 'd'.repeat(32), metadata: { ...metadata, version: '4' } }),
      { found: `version 4, which the log does not have: 10 bytes with ETag ${'d'.repeat(32)}` },
    ],
    ['another size', judge({ bytes: 9 }, null, false), { subject: 'document', outcome: 'different' }],
    [
      'another content type',
      judge({ contentType: 'text/html' }),
      {
        subject: 'metadata',
        outcome: 'different',
        expected: 'content-type: application/json',
        found: 'content-type: text/html',
      },
    ],
    [
      'no mark of the log',
      judge({ metadata: { ...metadata, 'holdfast-log': OTHER_LOG_ID } }),
      { subject: 'metadata', found: `holdfast-log: ${OTHER_LOG_ID}` },
    ],
    ['nothing at all', judgeObject(document, null, settings), { outcome: 'missing', expected: A }],
  ])('is told with %s', (_, found, finding) => {
    expect(found).toMatchObject({ side: 'cdn', path: document.path, ...finding });
  });

  it('that the log does not want is an orphan only with the mark of this log', () => {
    expect(judgeExtraObject(head, LOG_ID)).toMatchObject({ outcome: 'orphan' });
    expect(judgeExtraObject(head, OTHER_LOG_ID)).toMatchObject({ outcome: 'foreign' });
    expect(judgeExtraObject({ ...head, metadata: {} }, LOG_ID)).toMatchObject({
      outcome: 'foreign',
    });
  });
});
