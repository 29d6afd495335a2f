import { describe, expect, it } from '@jest/globals';
import { readSettings } from './read-settings.ts';

const read = (env: Record<string, string>) =>
  readSettings(env, ['quickScan', 'fullScan', 'timezone', 'maxRepairs', 'projectors']);

describe('the settings of scans', () => {
  it('have defaults', () => {
    expect(read({})).toMatchObject({
      quickScan: '0 8-18 * * 1-5',
      fullScan: '0 2 * * *',
      maxRepairs: { count: 100, percent: 1 },
      projectors: ['local', 'cdn', 'drift'],
    });
  });

  it('can be switched off, and lie in any time zone', () => {
    const env = {
      HOLDFAST_QUICK_SCAN: 'off',
      HOLDFAST_TIMEZONE: 'Asia/Jerusalem',
      HOLDFAST_MAX_REPAIRS: '0',
    };
    expect(read(env)).toMatchObject({
      quickScan: null,
      timezone: 'Asia/Jerusalem',
      maxRepairs: { count: 0, percent: null },
    });
  });

  it.each([
    ['HOLDFAST_FULL_SCAN', 'daily'],
    ['HOLDFAST_FULL_SCAN', '0 25 * * *'],
    ['HOLDFAST_FULL_SCAN', '0 0 30 2 *'],
    ['HOLDFAST_FULL_SCAN', '* * * * * *'],
    ['HOLDFAST_TIMEZONE', 'Atlantis/Capital'],
    ['HOLDFAST_MAX_REPAIRS', '5,6'],
    ['HOLDFAST_MAX_REPAIRS', '101%'],
    ['HOLDFAST_PROJECTORS', 'cdn,drift'],
  ])('refuse %s=%s', (variable, value) => {
    expect(() => read({ [variable]: value })).toThrow(variable);
  });
});
