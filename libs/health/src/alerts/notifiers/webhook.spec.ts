import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AT, ManualClock } from '@holdfast/domain/testing';
import type { Notice } from '../notice.ts';
import { webhookNotifier } from './webhook.ts';

const SECRET = '0123456789abcdef';
const NEVER = new AbortController().signal;
const NOTICE: Notice = {
  id: '00000000-0000-4000-8000-000000000001',
  kind: 'raised',
  alert: {
    code: 'DISK_LOW',
    subject: 'web-1/data',
    severity: 'critical',
    message: 'Größe',
    details: { free: 1 },
  },
  at: AT,
  raisedAt: AT,
  folded: 0,
};

let server: Server;
let received: { headers: IncomingHttpHeaders; body: string }[];
/** What it answers; null: nothing. */
let answer: number | null;

beforeEach(async () => {
  received = [];
  answer = 204;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      if (answer !== null) response.writeHead(answer, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const notifier = (timeoutMs?: number) =>
  webhookNotifier({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/key-in-path`,
    secret: SECRET,
    sender: 'projector:web-1',
    clock: new ManualClock(),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

describe('an alert by webhook', () => {
  it('is JSON, signed so that the receiver knows whose it is and when it was sent', async () => {
    await notifier().deliver([NOTICE], NEVER);
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    expect(JSON.parse(body)).toEqual({
      id: NOTICE.id,
      type: 'alert.raised',
      at: AT,
      sender: 'projector:web-1',
      folded: 0,
      alert: { ...NOTICE.alert, raisedAt: AT },
    });
    const at = Date.parse(AT) / 1_000;
    const expected = createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'holdfast-signature': `t=${at},v1=${expected}`,
    });
  });

  it.each([
    [500, 'NOTIFIER_UNAVAILABLE'],
    [429, 'NOTIFIER_UNAVAILABLE'],
    [401, 'NOTIFIER_REFUSED'],
    [302, 'NOTIFIER_REFUSED'],
  ] as const)('that is answered %i has not arrived: %s, with nothing secret', async (status, code) => {
    answer = status;
    const delivery = notifier().deliver([NOTICE], NEVER);
    await expect(delivery).rejects.toMatchObject({ code, context: { status } });
    await expect(delivery).rejects.not.toMatchObject({ message: expect.stringContaining('key-in-path') });
    expect(received).toHaveLength(1);
  });

  it('that is not answered is given up in time', async () => {
    answer = null;
    await expect(notifier(100).deliver([NOTICE], NEVER)).rejects.toMatchObject({
      code: 'NOTIFIER_UNAVAILABLE',
      message: expect.stringContaining('no answer within 100 ms'),
    });
  });

  it('that reaches nobody has not arrived', async () => {
    const gone = notifier();
    await new Promise((resolve) => server.close(resolve));
    await expect(gone.deliver([NOTICE], NEVER)).rejects.toMatchObject({
      code: 'NOTIFIER_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
