import { expect, it } from '@jest/globals';
import { ERROR_KINDS, type ErrorCode, HoldfastError } from '@holdfast/domain';
import { judgeFailure } from './failure-policy.ts';

const failure = (code: ErrorCode): HoldfastError => new HoldfastError(code, 'It failed.');

it('what may pass is tried again, later and later, but at least every five seconds', () => {
  for (const code of ['STORAGE_UNAVAILABLE', 'DISK_FULL', 'STREAM_VERSION_CONFLICT'] as const) {
    const delays = [1, 2, 3, 5, 6, 100].map((attempts) => judgeFailure(failure(code), attempts, 'live'));
    expect(delays.map((verdict) => verdict.do === 'retry' && verdict.afterMs)).toEqual([
      250, 500, 1_000, 4_000, 5_000, 5_000,
    ]);
  }
});

it('poison becomes a dead letter live, and stops a replay', () => {
  expect(judgeFailure(failure('EVENT_UNREADABLE'), 1, 'live').do).toBe('dead-letter');
  expect(judgeFailure(failure('EVENT_UNREADABLE'), 1, 'replay').do).toBe('stop');
});

it('anything else stops, and every code has a verdict', () => {
  expect(judgeFailure(failure('LOG_MISMATCH'), 1, 'live')).toEqual({
    do: 'stop',
    reason: 'LOG_MISMATCH: It failed.',
  });
  for (const code of Object.keys(ERROR_KINDS) as ErrorCode[]) {
    expect(judgeFailure(failure(code), 1, 'live')).toBeDefined();
  }
});
