import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/domain';
import { describe, expect, it } from '@jest/globals';
import { isBusy, translateSqliteError } from './sqlite-error.ts';

const sqliteError = (errcode: number): Error =>
  Object.assign(new Error('as SQLite says'), { code: 'ERR_SQLITE_ERROR', errcode });
const file = join(tmpdir(), 'events.db');

describe('translateSqliteError', () => {
  it.each([
    [13, 'DISK_FULL'],
    [5, 'EVENT_STORE_UNAVAILABLE'],
    [6, 'EVENT_STORE_UNAVAILABLE'],
    [10 | (3 << 8), 'EVENT_STORE_UNAVAILABLE'],
    [11, 'DATABASE_CORRUPT'],
    [26, 'DATABASE_CORRUPT'],
    [8 | (4 << 8), 'DATA_DIR_UNUSABLE'],
    [14, 'DATA_DIR_UNUSABLE'],
    [1, 'INTERNAL'],
  ])('calls result code %i %s, and says what was attempted on which file', (errcode, code) => {
    const cause = sqliteError(errcode);
    const error = translateSqliteError(cause, { attempted: 'to append to the event log', file });
    expect(error).toMatchObject({ code, cause, context: { file } });
    expect(error.message).toContain(
      `It was not possible to append to the event log (${file}): as SQLite says.`,
    );
  });

  it('calls a lock that stays taken as the caller wants it called', () => {
    const error = translateSqliteError(sqliteError(5), {
      attempted: 'to read',
      file,
      busyCode: 'STORAGE_UNAVAILABLE',
    });
    expect(error.code).toBe('STORAGE_UNAVAILABLE');
  });

  it('returns what is named already as it is, and calls what is no SQLite error INTERNAL', () => {
    const named = new HoldfastError('SCHEMA_TOO_NEW', 'newer');
    expect(translateSqliteError(named, { attempted: 'to open', file })).toBe(named);
    expect(translateSqliteError(new TypeError('a slip'), { attempted: 'to open', file })).toMatchObject({
      code: 'INTERNAL',
    });
  });

  it('knows what passes by itself', () => {
    expect([5, 5 | (1 << 8), 6, 13].map((code) => isBusy(sqliteError(code)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(isBusy(new Error('busy'))).toBe(false);
  });
});
