import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AT } from '@holdfast/domain/testing';
import { type MailServer, startMailServer } from '@holdfast/testing';
import type { Notice } from '../notice.ts';
import { smtpNotifier } from './smtp.ts';

const LOGIN = { user: 'holdfast', password: 'p@ss/word' };
const TO = 'on-call@example.org';
const NEVER = new AbortController().signal;

let server: MailServer;

beforeEach(async () => {
  server = await startMailServer(LOGIN);
});

afterEach(() => server.close());

const notifier = (options: { password?: string; timeoutMs?: number; port?: number } = {}) =>
  smtpNotifier({
    url: `smtp://${LOGIN.user}:${encodeURIComponent(options.password ?? LOGIN.password)}@127.0.0.1:${options.port ?? server.port}`,
    from: 'holdfast@example.org',
    to: TO,
    sender: 'projector:web-1',
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });

const notice = (more: Partial<Notice> = {}): Notice => ({
  id: '00000000-0000-4000-8000-000000000001',
  kind: 'raised',
  alert: {
    code: 'DRIFT_FOUND',
    subject: 'web-1',
    severity: 'critical',
    message: 'Größe & <b>Hash</b>\nof "units/ü.json" differ.\u001b[2J',
    details: { missing: 100_000, path: '<script>alert(1)</script>' },
  },
  at: AT,
  raisedAt: AT,
  folded: 0,
  ...more,
});

/** The decoded parts of a mail by content type. */
function partsOf(raw: string): Record<string, string> {
  const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
  const parts = raw.split(`--${boundary}`).slice(1, -1);
  return Object.fromEntries(
    parts.map((part): [string, string] => {
      const [head = '', ...body] = part.trim().split('\r\n\r\n');
      expect(head).toMatch(/Content-Transfer-Encoding: base64/);
      return [/Content-Type: ([^;]+)/.exec(head)?.[1] ?? '', Buffer.from(body.join(''), 'base64').toString()];
    }),
  );
}

describe('an alert by e-mail', () => {
  it('says in text and in HTML what it is about, and nothing of it is markup', async () => {
    await notifier().deliver([notice()], NEVER);
    expect(server.received).toMatchObject([{ from: 'holdfast@example.org', to: [TO] }]);
    const { raw } = server.received[0]!;
    expect(raw).toMatch(/^Subject: \[Holdfast\] ALERT: DRIFT_FOUND \(web-1\)\r$/m);
    expect(raw).toMatch(/^Message-ID: <00000000-0000-4000-8000-000000000001\.1@example\.org>\r$/m);
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    const { 'text/plain': text, 'text/html': html } = partsOf(raw);
    expect(text).toContain('Größe & <b>Hash</b>\nof "units/ü.json" differ.\\u001b[2J');
    expect(text).toContain('missing: 100000');
    expect(html).toContain('Größe &amp; &lt;b&gt;Hash&lt;/b&gt;<br>of &quot;units/ü.json&quot; differ.');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toMatch(/<b>|<script/);
  });

  it('tells together what has waited together', async () => {
    const cleared = notice({ id: '00000000-0000-4000-8000-000000000002', kind: 'cleared', folded: 7 });
    await notifier().deliver([notice(), cleared], NEVER);
    expect(server.received).toHaveLength(1);
    const { raw } = server.received[0]!;
    expect(raw).toContain('Subject: [Holdfast] 2 notices: DRIFT_FOUND');
    expect(partsOf(raw)['text/plain']).toMatch(/ALERT: DRIFT_FOUND[^]*OVER: DRIFT_FOUND[^]*7 more changes/);
  });

  it('cannot be given another header by what an alert is about', async () => {
    const alert = { ...notice().alert, subject: 'web-1\r\nBcc: eve@example.org' };
    await notifier().deliver([notice({ alert })], NEVER);
    expect(server.received).toMatchObject([{ to: [TO] }]);
    expect(server.received[0]!.raw).not.toMatch(/^Bcc:/m);
  });
});

describe('a mail server that', () => {
  it.each([
    ['does not know the recipient', 'refuse', 'NOTIFIER_REFUSED'],
    ['cannot take it now', 'fail', 'NOTIFIER_UNAVAILABLE'],
  ] as const)('%s is told apart', async (_, behaviour, code) => {
    server.behave = behaviour;
    await expect(notifier().deliver([notice()], NEVER)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(TO),
    });
    server.behave = 'well';
    await notifier().deliver([notice()], NEVER);
    expect(server.received).toHaveLength(1);
  });

  it('does not accept the password is told apart, and the password is in no message', async () => {
    const delivery = notifier({ password: 'open-sesame' }).deliver([notice()], NEVER);
    await expect(delivery).rejects.toMatchObject({ code: 'NOTIFIER_REFUSED' });
    await expect(delivery).rejects.not.toMatchObject({ message: expect.stringContaining('sesame') });
  });

  it('never answers is given up in time, and at once at the stop of the process', async () => {
    server.behave = 'hang';
    await expect(notifier({ timeoutMs: 200 }).deliver([notice()], NEVER)).rejects.toMatchObject({
      code: 'NOTIFIER_UNAVAILABLE',
      message: expect.stringContaining('no answer within 200 ms'),
    });
    const stop = new AbortController();
    const delivery = notifier().deliver([notice()], stop.signal);
    stop.abort();
    await expect(delivery).rejects.toMatchObject({ code: 'NOTIFIER_UNAVAILABLE' });
  });

  it('is not there is told', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await new Promise((resolve) => other.close(resolve));
    await expect(notifier({ port }).deliver([notice()], NEVER)).rejects.toMatchObject({
      code: 'NOTIFIER_UNAVAILABLE',
    });
  });
});
