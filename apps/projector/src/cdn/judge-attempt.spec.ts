import { describe, expect, it } from '@jest/globals';
import { DEFAULT_RETRY_SCHEDULE_MS, type ErrorCode, HoldfastError } from '@holdfast/domain';
import { AT } from '@holdfast/domain/testing';
import { judgeAttempt } from './judge-attempt.ts';

const judge = (code: ErrorCode, attempt = 1, schedule = DEFAULT_RETRY_SCHEDULE_MS) =>
  judgeAttempt(new HoldfastError(code, 'It failed.'), attempt, schedule, new Date(AT));

describe('a failed attempt', () => {
  it.each<[string, ErrorCode]>([
    ['transient', 'OBJECT_STORE_UNAVAILABLE'],
    ['transient', 'HASH_MISMATCH'],
    ['exhausted', 'DISK_FULL'],
    ['conflict', 'OBJECT_PRECONDITION_FAILED'],
    ['missing', 'OBJECT_NOT_FOUND'],
    ['denied', 'BUCKET_ACCESS_DENIED'],
    ['unforeseen', 'INTERNAL'],
  ])('of a kind that may pass (%s: %s) is made again by the schedule, and then given up on', (_, code) => {
    expect(judge(code, 1)).toEqual({ do: 'retry', at: new Date('2026-01-05T08:00:30.000Z') });
    expect(judge(code, 7)).toEqual({ do: 'retry', at: new Date('2026-01-05T08:15:00.000Z') });
    expect(judge(code, 8)).toEqual({ do: 'dead-letter' });
    expect(judge(code, 1, [])).toEqual({ do: 'dead-letter' });
  });

  it.each<[string, ErrorCode]>([
    ['invalid', 'PATH_INVALID'],
    ['poison', 'EVENT_UNREADABLE'],
  ])('that can never succeed (%s: %s) is given up on at once', (_, code) => {
    expect(judge(code)).toEqual({ do: 'dead-letter' });
  });

  it.each<ErrorCode>(['LOG_MISMATCH', 'DATABASE_CORRUPT', 'SCHEMA_TOO_NEW'])(
    'stops the projector for %s',
    (code) => {
      expect(judge(code)).toEqual({ do: 'stop' });
    },
  );
});
