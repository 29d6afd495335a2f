import { describe, expect, it } from '@jest/globals';
import { showLogLine } from './log-line.ts';

const AT = new Date(2026, 10, 23, 9, 5, 7).getTime();
const line = (fields: object) =>
  JSON.stringify({ level: 30, time: AT, pid: 1, hostname: 'web-1', ...fields });

describe('showLogLine', () => {
  it('shows time, level, process, message and code', () => {
    expect(showLogLine(line({ msg: 'serving' }), 'api', false)).toBe('09:05:07 info  api        serving');
    const failed = line({ level: 50, msg: 'no room', code: 'DISK_FULL' });
    expect(showLogLine(failed, 'projector', false)).toBe('09:05:07 error projector  no room [DISK_FULL]');
  });

  it('takes message and code of an error where the line has none of its own', () => {
    const failed = line({ level: 60, err: { message: 'no room', code: 'DISK_FULL' } });
    expect(showLogLine(failed, 'api', false)).toBe('09:05:07 fatal api        no room [DISK_FULL]');
  });

  it('keeps lines that are not of pino', () => {
    for (const text of ['plain text', '{"a":1}', 'null', '{']) {
      expect(showLogLine(text, 'api', false)).toBe(`api        ${text}`);
    }
  });

  it('lets no line drive the terminal', () => {
    expect(showLogLine(line({ msg: '\u001b[2Jשלום\r\n\u202eabc' }), 'api', false)).toBe(
      '09:05:07 info  api        \\u001b[2Jשלום\\u000d\\u000a\\u202eabc',
    );
    expect(showLogLine('\u001b]0;title\u0007', 'api', false)).toBe('api        \\u001b]0;title\\u0007');
  });

  it('has colours only when asked', () => {
    expect(showLogLine(line({ msg: 'serving' }), 'api', true)).toContain('\u001b[32minfo');
  });
});
