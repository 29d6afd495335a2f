import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@holdfast/domain/testing';
import { type CloudflareApi, type CloudflareFault, startCloudflareApi } from '@holdfast/testing';
import { CloudflarePurger, type CloudflarePurgerOptions } from './cloudflare-purger.ts';

const ZONE = '023e105f4ecef8ad9ca31a8372d0c353';
const TOKEN = 'Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY';
const HOST = 'cdn.example.org';

let clock: ManualClock;
let api: CloudflareApi;

beforeEach(async () => {
  clock = new ManualClock();
  api = await startCloudflareApi({
    zone: ZONE,
    token: TOKEN,
    hosts: [HOST],
    rate: { files: 800, perMs: 1_000 },
    now: () => clock.now().getTime(),
  });
});

afterEach(async () => {
  await api.close();
});

const purger = (options: Partial<CloudflarePurgerOptions> = {}): CloudflarePurger =>
  new CloudflarePurger({
    zone: ZONE,
    token: { reveal: () => TOKEN },
    origins: [],
    clock,
    apiUrl: api.url,
    ...options,
  });

const url = (at: string): string => `https://${HOST}/content/${at}`;
const urls = (count: number): string[] => Array.from({ length: count }, (_, index) => url(`${index}.json`));
const codesOf = (failures: readonly { url: string; error: { code: string } }[]): Record<string, string> =>
  Object.fromEntries(failures.map((failure) => [failure.url, failure.error.code]));
const sizes = (): number[] => api.calls.map(({ files }) => files);

describe('purging by URL', () => {
  it('purges all URLs, in calls of a hundred', async () => {
    expect(await purger().purge(urls(250))).toEqual([]);
    expect(api.purged).toEqual(urls(250));
    expect(sizes()).toEqual([100, 100, 50]);
  });

  it('makes no call for nothing', async () => {
    expect(await purger().purge([])).toEqual([]);
    expect(api.calls).toEqual([]);
  });

  it('sends paths of any script and query strings as they are', async () => {
    const odd = [url('%D8%A7/%2C%20a%40b.json'), url('a.json?v=0a1b2c3d')];
    expect(await purger().purge(odd)).toEqual([]);
    expect(api.purged).toEqual(odd);
  });

  it('purges the copies that were made for the pages of each web origin too', async () => {
    const origins = ['https://www.example.org', 'https://app.example.org:8443'];
    expect(await purger({ origins }).purge([url('a.json'), url('b.json')])).toEqual([]);
    expect(api.purged).toEqual([
      url('a.json'),
      `https://www.example.org::${url('a.json')}`,
      `https://app.example.org:8443::${url('a.json')}`,
      url('b.json'),
      `https://www.example.org::${url('b.json')}`,
      `https://app.example.org:8443::${url('b.json')}`,
    ]);
  });

  it('keeps its connections', async () => {
    const one = purger();
    for (const at of urls(30)) await one.purge([at]);
    expect(api.calls).toHaveLength(30);
    expect(api.connections).toBeLessThan(5);
  });
});

describe('a URL that is refused', () => {
  it('is found, and the others are purged', async () => {
    const foreign = 'https://other.example.org/a.json';
    const tooLong = url(`${'x'.repeat(3_000)}.json`);
    const all = urls(98);
    const failures = await purger().purge([...all.slice(0, 40), foreign, ...all.slice(40), tooLong]);
    expect(codesOf(failures)).toEqual({ [foreign]: 'PURGE_REFUSED', [tooLong]: 'PURGE_REFUSED' });
    expect(failures[0]?.error).toMatchObject({ kind: 'rejected', context: { status: 400, codes: [1082] } });
    expect(failures[0]?.error.message).toContain(foreign);
    expect([...api.purged].sort()).toEqual([...all].sort());
  });

  it('alone costs one call', async () => {
    expect(codesOf(await purger().purge(['https://other.example.org/a.json']))).toEqual({
      'https://other.example.org/a.json': 'PURGE_REFUSED',
    });
    expect(sizes()).toEqual([1]);
  });

  it('is told apart from a call that names more files than the account may', async () => {
    api.maxFiles = 30;
    const one = purger();
    expect(await one.purge(urls(100))).toEqual([]);
    expect(sizes()).toEqual([100, 50, 25, 25, 50, 25, 25]);
    api.calls.splice(0);
    expect(await one.purge(urls(60))).toEqual([]);
    expect(sizes()).toEqual([25, 25, 10]);
  });
});

describe('the API’s faults', () => {
  it('429 says when to try again, and that what was purged before is purged', async () => {
    const failures = await purger().purge(urls(950));
    expect(failures.map((failure) => failure.url)).toEqual(urls(950).slice(800));
    expect(new Set(failures.map(({ error }) => error)).size).toBe(1);
    expect(failures[0]?.error).toMatchObject({
      code: 'PURGE_THROTTLED',
      kind: 'transient',
      context: { status: 429, retryAfterMs: 1_000 },
    });
    expect(api.calls).toHaveLength(9);
    clock.advance(1_000);
    expect(await purger().purge(failures.map((failure) => failure.url))).toEqual([]);
    expect(api.purged).toEqual(urls(950));
  });

  it.each<[string, () => void, RegExp]>([
    ['a wrong token', () => (api.token = 'another'), /Invalid access token \(9109\)/],
    [
      'a token without the permission, or for another zone',
      () => (api.mayPurge = false),
      /Authentication error/,
    ],
  ])('%s is PURGE_DENIED, in one call', async (_, breakIt, message) => {
    breakIt();
    const failures = await purger().purge(urls(300));
    expect(failures).toHaveLength(300);
    expect(failures[0]?.error).toMatchObject({ code: 'PURGE_DENIED', kind: 'denied' });
    expect(failures[0]?.error.message).toMatch(message);
    expect(failures[0]?.error.message).toContain('HOLDFAST_CLOUDFLARE_API_TOKEN');
    expect(api.calls).toHaveLength(1);
  });

  it('a token that is none and a zone that is none are PURGE_DENIED too, whatever the status', async () => {
    const none = await purger({ token: { reveal: () => 'no token' } }).purge(urls(2));
    expect(none[0]?.error).toMatchObject({
      code: 'PURGE_DENIED',
      context: { status: 400, codes: [6003, 6111] },
    });
    const zone = await purger({ zone: 'example.org' }).purge(urls(2));
    expect(zone[0]?.error).toMatchObject({
      code: 'PURGE_DENIED',
      context: { status: 404, codes: [7003, 7000] },
    });
  });

  it.each<[CloudflareFault, RegExp]>([
    ['error-500', /answered 500: An error has occurred/],
    ['page-502', /answered 502\. That is no answer of its API/],
    ['page-200', /answered 200\. That is no answer of its API/],
    ['redirect', /answered 302/],
    ['black-hole', /no whole answer within 200 ms/],
    ['stalled', /no whole answer within 200 ms/],
    ['reset', /ECONNRESET|other side closed/],
    ['truncated', /terminated|other side closed|ECONNRESET/],
    ['answer-lost', /ECONNRESET|other side closed/],
  ])('%s is PURGE_UNAVAILABLE, and passes', async (fault, message) => {
    const isSilent = fault === 'black-hole' || fault === 'stalled';
    const one = purger(isSilent ? { timeoutMs: 200 } : {});
    api.fail(fault, 1);
    const failures = await one.purge(urls(150));
    expect(codesOf(failures)).toEqual(Object.fromEntries(urls(150).map((at) => [at, 'PURGE_UNAVAILABLE'])));
    expect(failures[0]?.error.message).toMatch(message);
    expect(await purger().purge(urls(150))).toEqual([]);
    expect(new Set(api.purged)).toEqual(new Set(urls(150)));
  });

  it('an endless answer is not read to its end', async () => {
    api.fail('endless', 1);
    expect(codesOf(await purger().purge(urls(1)))).toEqual({ [url('0.json')]: 'PURGE_UNAVAILABLE' });
  });

  it('Retry-After is honoured with other statuses too, and may be a date', async () => {
    api.fail('page-502', 1);
    const [bySeconds] = await purger().purge(urls(1));
    expect(bySeconds?.error.context['retryAfterMs']).toBe(7_000);
    api.fail('page-503-until', 1);
    const [byDate] = await purger().purge(urls(1));
    expect(byDate?.error.context['retryAfterMs']).toBe(90_000);
  });

  it('nobody who listens is PURGE_UNAVAILABLE with the reason', async () => {
    await api.goAway();
    const [failure] = await purger().purge(urls(1));
    expect(failure?.error.message).toContain('ECONNREFUSED');
    await api.comeBack();
    expect(await purger().purge(urls(1))).toEqual([]);
  });

  it('an abort ends the call at once; what was not confirmed fails', async () => {
    api.fail('black-hole');
    const stop = new AbortController();
    const purging = purger().purge(urls(101), { signal: stop.signal });
    while (api.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    const failures = await purging;
    expect(failures).toHaveLength(101);
    expect(failures[0]?.error).toMatchObject({ code: 'PURGE_UNAVAILABLE' });
    expect(failures[0]?.error.message).toContain('given up');
  });

  it('the token appears in no error and no dump, even where the answer repeats it', async () => {
    api.fail('echo', 1);
    const one = purger();
    const [failure] = await one.purge(urls(1));
    expect(failure?.error.message).toContain('***');
    expect(inspect([failure, one], { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });
});
