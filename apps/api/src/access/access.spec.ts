import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createToken, formatTokenLine, hashToken, type Role, ROLES } from '@holdfast/settings';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { compose } from '../compose.ts';
import { readConfig } from '../config.ts';
import { eventually, sendRaw, startApi, type TestApi } from '../testing/start-api.ts';
import { DECLARED_ROUTES, neededFor } from './route-roles.ts';

const TOKEN: Record<Role, string> = {
  viewer: createToken(),
  publisher: createToken(),
  operator: createToken(),
};
const lineOf = (name: string, role: Role, token = TOKEN[role]): string =>
  formatTokenLine({ name, role, sha256: hashToken(token) });
const LINES = ROLES.map((role) => lineOf(`a-${role}`, role));
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const JSON_TYPE = { 'content-type': 'application/json' };

let directory: string;
let file: string;
let api: TestApi;
let base: string;
const write = (lines: readonly string[]): void => writeFileSync(file, lines.join('\n'));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-tokens-'));
  file = join(directory, 'tokens');
  write(['# who may come in', '', ...LINES]);
  api = await startApi({ config: { tokensFile: file }, token: TOKEN.operator });
  base = await api.listen();
});
afterEach(async () => {
  await api.close();
  rmSync(directory, { recursive: true, force: true });
});

const status = async (method: string, path: string, headers: Record<string, string>): Promise<number> => {
  const { port, hostname } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      const sent = { host: 'somewhere.example', connection: 'close', 'content-length': '0', ...headers };
      const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}`);
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
    // The head is enough: a live view never ends.
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1]));
      socket.destroy();
    });
    socket.once('error', reject);
  });
};

describe('each route', () => {
  it('lets in exactly the roles that it names', async () => {
    const all = DECLARED_ROUTES;
    expect(all.length).toBeGreaterThan(30);
    for (const route of all) {
      const [method = '', url = ''] = route.split(' ');
      expect([route, api.server.hasRoute({ method: method, url })]).toEqual([route, true]);
      const needed = neededFor(method, url);
      const path = url.replace(/\*$/, 'units/none.json').replace(/:\w+/, 'none');
      const refused = needed === 'public' ? [] : ROLES.slice(0, ROLES.indexOf(needed));
      const withoutToken = await status(method, path, {});
      expect([method, url, withoutToken === 401]).toEqual([method, url, needed !== 'public']);
      for (const role of ROLES) {
        const answered = await status(method, path, bearer(TOKEN[role]));
        expect([method, url, role, answered === 403]).toEqual([method, url, role, refused.includes(role)]);
        expect([method, url, role, answered]).not.toEqual([method, url, role, 401]);
      }
    }
  });

  it('must have a role to be registered', () => {
    expect(() => neededFor('GET', '/v1/new')).toThrow('has no role');
  });
});

describe('a request', () => {
  it.each([
    ['nothing', {}, 'TOKEN_MISSING'],
    ['another token', bearer(createToken()), 'TOKEN_INVALID'],
    ['a token cut short', bearer(TOKEN.operator.slice(0, -1)), 'TOKEN_INVALID'],
    ['the hash of a token', bearer(hashToken(TOKEN.operator)), 'TOKEN_INVALID'],
    ['an empty token', { authorization: 'Bearer ' }, 'TOKEN_INVALID'],
    ['another scheme', { authorization: `Basic ${TOKEN.operator}` }, 'TOKEN_INVALID'],
    ['two tokens', { authorization: `Bearer ${TOKEN.operator}, Bearer x` }, 'TOKEN_INVALID'],
    ['a long token', bearer('x'.repeat(10_000)), 'TOKEN_INVALID'],
  ])('with %s is answered with 401 and how to do it', async (_what, headers, code) => {
    const { status: answered, headers: answer, body } = await sendRaw(base, { path: '/v1/mode', headers });
    expect([answered, answer['www-authenticate']]).toEqual([401, 'Bearer realm="holdfast"']);
    expect(JSON.parse(body.toString())).toMatchObject({ code });
    expect(body.toString()).not.toContain(TOKEN.operator);
  });

  it('with two Authorization headers is refused, whichever is right', async () => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    const right = `authorization: Bearer ${TOKEN.viewer}\r\n`;
    socket.write(
      `GET /v1/mode HTTP/1.1\r\nhost: localhost\r\n${right}Authorization: Bearer x\r\nconnection: close\r\n\r\n`,
    );
    expect(await text(socket)).toContain('TOKEN_INVALID');
  });

  it('of too low a role is told the one it needs', async () => {
    const answer = await sendRaw(base, {
      method: 'PUT',
      path: '/v1/mode',
      headers: { ...bearer(TOKEN.publisher), ...JSON_TYPE },
      body: '{}',
    });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([
      403,
      { code: 'ROLE_INSUFFICIENT', needed: 'operator', role: 'publisher', name: 'a-publisher' },
    ]);
    expect(await api.events()).toEqual([]);
  });
});

describe('a command', () => {
  it('is recorded as done by the name of the token', async () => {
    await api.put('units/a.json', '{}', bearer(TOKEN.publisher));
    expect((await api.events()).map((event) => ('metadata' in event ? event.metadata.actor : null))).toEqual([
      'a-publisher',
    ]);
    const found = await api.get('/v1/audit?actor=a-publisher');
    expect(found.json['events']).toHaveLength(1);
  });

  it('of one token is no repeat of the same Idempotency-Key of another', async () => {
    const key = { 'idempotency-key': 'one' };
    expect((await api.put('units/a.json', '{"a":1}', { ...bearer(TOKEN.publisher), ...key })).status).toBe(
      201,
    );
    expect((await api.put('units/a.json', '{"a":2}', { ...bearer(TOKEN.publisher), ...key })).status).toBe(
      422,
    );
    expect((await api.put('units/a.json', '{"a":2}', { ...bearer(TOKEN.operator), ...key })).status).toBe(
      200,
    );
  });

  it('still needs a content type', async () => {
    const sent = { method: 'PUT', path: '/v1/mode', headers: bearer(TOKEN.operator), body: '{}' };
    expect((await sendRaw(base, sent)).status).toBe(415);
  });
});

describe('a session', () => {
  it('is told its name and role', async () => {
    const answer = await api.get('/v1/session', bearer(TOKEN.viewer));
    expect(answer.json).toEqual({ tokens: true, name: 'a-viewer', role: 'viewer' });
  });

  it('may do everything, as local, where there are no tokens', async () => {
    const open = await startApi();
    expect((await open.get('/v1/session')).json).toEqual({ tokens: false, name: 'local', role: 'operator' });
    await open.close();
  });
});

describe('a changed file', () => {
  const ask = async (token: string): Promise<number> => (await api.get('/v1/mode', bearer(token))).status;

  it('is in force without a restart, and ends what a revoked token holds open', async () => {
    const next = createToken();
    const view = await fetch(`${base}/v1/live`, { headers: bearer(TOKEN.viewer) });
    const kept = await fetch(`${base}/v1/live`, { headers: bearer(TOKEN.publisher) });
    write([lineOf('a-viewer', 'viewer', next), ...LINES.slice(1)]);
    await view.text();
    expect([await ask(TOKEN.viewer), await ask(next)]).toEqual([401, 200]);
    const still = kept.body!.getReader();
    expect((await still.read()).done).toBe(false);
    await still.cancel();
  });

  it('changes nothing while it is wrong, and a warning says so', async () => {
    write(['cms boss sha256:00']);
    const warned = async () => JSON.stringify((await sendRaw(base, { path: '/readyz' })).body.toString());
    await eventually(warned, (body) => body.includes('TOKENS_FILE_INVALID'));
    expect(await ask(TOKEN.viewer)).toBe(200);
    write(LINES);
    await eventually(warned, (body) => !body.includes('TOKENS_FILE_INVALID'));
  });

  it('of two tokens of one name lets both in', async () => {
    const next = createToken();
    write([...LINES, lineOf('a-viewer', 'viewer', next)]);
    await eventually(
      () => ask(next),
      (answered) => answered === 200,
    );
    expect(await ask(TOKEN.viewer)).toBe(200);
  });
});

describe('a file that cannot be used', () => {
  const start = () =>
    compose({
      ...readConfig({ HOLDFAST_LOG_LEVEL: 'silent', HOLDFAST_PORT: '0', HOLDFAST_TOKENS_FILE: file }),
      dataDir: join(directory, 'data'),
    });

  it('stops the start with every problem, and shows no token', async () => {
    write([`cms publisher ${TOKEN.viewer}`, 'Upper boss sha256:00', LINES[0]!, LINES[0]!]);
    const failure = (await start().catch((error: unknown) => error)) as Error;
    expect(failure).toMatchObject({ code: 'TOKENS_FILE_INVALID', kind: 'fatal' });
    for (const part of [
      'line 1 has a hash',
      'line 2 has a name',
      'line 2 has a role',
      'line 4 has the hash',
    ]) {
      expect(failure.message).toContain(part);
    }
    expect(failure.message).not.toContain(TOKEN.viewer);
  });

  it.each([
    ['is not there', () => rmSync(file), 'could not be read'],
    ['is empty', () => write(['# none']), 'has no token'],
    ['everybody may write', () => chmodSync(file, 0o666), 'may write it'],
  ])('stops the start when it %s', async (_what, spoil, part) => {
    spoil();
    await expect(start()).rejects.toThrow(part);
  });
});
