import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_RETRY_SCHEDULE_MS, hasCode } from '@holdfast/domain';
import { localBaseUrlOf } from './address.ts';
import { reservedKeyBytes } from './bucket-address.ts';
import { ALL_SETTINGS, type Environment, readSettings } from './read-settings.ts';

const read = (env: Environment) => readSettings(env, ALL_SETTINGS);

function problemsOf(env: Environment): string[] {
  try {
    read(env);
  } catch (error) {
    if (hasCode(error, 'CONFIG_INVALID')) return error.message.split('\n').slice(1, -1);
    throw error;
  }
  return [];
}

describe('readSettings', () => {
  it('has a default for everything', () => {
    expect(read({})).toEqual({
      dataDir: resolve('data'),
      port: 8080,
      host: '127.0.0.1',
      node: expect.stringMatching(/^[\w.-]+$/),
      eventStore: { kind: 'sqlite', file: null },
      eventStorePrefix: '',
      bucket: { kind: 'folder', folder: null },
      s3Endpoint: null,
      s3Region: 'us-east-1',
      s3AccessKeyId: null,
      s3SecretAccessKey: null,
      s3ForcePathStyle: null,
      s3TimeoutMs: 30_000,
      cdnBaseUrl: null,
      localBaseUrl: null,
      cacheControl: 'public, max-age=60, stale-while-revalidate=300',
      corsOrigins: '*',
      urlVersion: false,
      projectors: ['local', 'cdn', 'drift'],
      cdnConcurrency: 32,
      retryScheduleMs: DEFAULT_RETRY_SCHEDULE_MS,
      purge: { kind: 'none' },
      cloudflareApiToken: null,
      quickScan: '0 8-18 * * 1-5',
      fullScan: '0 2 * * *',
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      maxRepairs: { count: 100, percent: 1 },
      failover: 'off',
      diskMinFree: { percent: 10, bytes: 5 * 2 ** 30 },
      kinds: { manifest: 'warn', subject: 'warn', search_index: 'warn', unit: 'warn', lesson: 'warn' },
      smtpUrl: null,
      alertTo: null,
      alertFrom: null,
      webhookUrl: null,
      webhookSecret: null,
      tokensFile: null,
      logLevel: 'info',
      url: 'http://127.0.0.1:8080',
      token: null,
    });
  });

  it('reads what is given', () => {
    const settings = read({
      HOLDFAST_DATA_DIR: '/srv/holdfast',
      HOLDFAST_PORT: '0',
      HOLDFAST_HOST: '::1',
      HOLDFAST_EVENT_STORE: 'sqlite:/srv/log.db',
      HOLDFAST_BUCKET: 'folder:bucket',
      HOLDFAST_CDN_BASE_URL: 'https://cdn.example.org/a/',
      HOLDFAST_CORS_ORIGINS: 'https://www.example.org, http://localhost:3000',
      HOLDFAST_URL_VERSION: 'true',
      HOLDFAST_PROJECTORS: 'cdn',
      HOLDFAST_RETRY_SCHEDULE: '250ms, 2h',
      HOLDFAST_PURGE: 'cloudflare:023E105F4ECEF8AD9CA31A8372D0C353',
      HOLDFAST_CLOUDFLARE_API_TOKEN: 'open-sesame',
      HOLDFAST_DISK_MIN_FREE: '2.5%',
      HOLDFAST_KINDS: 'lesson=refuse, unit=off',
      HOLDFAST_TOKEN: 'opensesame',
    });
    expect(settings).toMatchObject({
      dataDir: '/srv/holdfast',
      port: 0,
      host: '::1',
      eventStore: { kind: 'sqlite', file: '/srv/log.db' },
      bucket: { kind: 'folder', folder: resolve('bucket') },
      cdnBaseUrl: 'https://cdn.example.org/a',
      corsOrigins: ['https://www.example.org', 'http://localhost:3000'],
      urlVersion: true,
      projectors: ['cdn'],
      retryScheduleMs: [250, 7_200_000],
      purge: { kind: 'cloudflare', zone: '023e105f4ecef8ad9ca31a8372d0c353' },
      diskMinFree: { percent: 2.5, bytes: null },
      kinds: { lesson: 'refuse', unit: 'off' },
    });
    expect(settings.token?.reveal()).toBe('opensesame');
    expect(settings.cloudflareApiToken?.reveal()).toBe('open-sesame');
    expect(`${inspect(settings.token)} ${JSON.stringify(settings.token)} ${String(settings.token)}`).toBe(
      '*** "***" ***',
    );
  });

  it('counts an empty variable as not set', () => {
    expect(readSettings({ HOLDFAST_PORT: '', HOLDFAST_PRT: '' }, ['port'])).toEqual({ port: 8080 });
  });

  it('looks only at the settings asked for, and at names nobody knows', () => {
    expect(readSettings({ HOLDFAST_PORT: 'x' }, ['node', 'dataDir']).dataDir).toBe(resolve('data'));
    expect(() => readSettings({ HOLDFAST_PRT: '1' }, ['node'])).toThrow('HOLDFAST_PORT meant?');
  });

  it('reports every problem at once, each with name, value, reason and example', () => {
    expect(problemsOf({ HOLDFAST_PORT: 'http', HOLDFAST_LOG_LEVEL: 'loud', HOLDFAST_PROT: '1' })).toEqual([
      '  HOLDFAST_PORT="http" is not a whole number between 0 and 65535 (example: HOLDFAST_PORT=8080)',
      '  HOLDFAST_LOG_LEVEL="loud" is not one of trace, debug, info, warn, error, fatal, silent (example: HOLDFAST_LOG_LEVEL=debug)',
      '  HOLDFAST_PROT is not known to this version; is HOLDFAST_PORT meant?',
    ]);
  });

  it('reports what a value needs and is not set, beside the other problems', () => {
    const purge = 'cloudflare:023e105f4ecef8ad9ca31a8372d0c353';
    expect(problemsOf({ HOLDFAST_PORT: 'http', HOLDFAST_PURGE: purge })).toEqual([
      '  HOLDFAST_PORT="http" is not a whole number between 0 and 65535 (example: HOLDFAST_PORT=8080)',
      `  HOLDFAST_PURGE="${purge}" needs HOLDFAST_CLOUDFLARE_API_TOKEN, which is not set`,
    ]);
    expect(problemsOf({ HOLDFAST_PURGE: purge, HOLDFAST_CLOUDFLARE_API_TOKEN: 'a b' })).toEqual([
      '  HOLDFAST_CLOUDFLARE_API_TOKEN=*** has a space or another character that no token has (example: HOLDFAST_CLOUDFLARE_API_TOKEN=<token>)',
    ]);
  });

  it('reports half of a pair of keys, in either order, and a key that cannot be one', () => {
    expect(problemsOf({ HOLDFAST_S3_ACCESS_KEY_ID: 'AKIA' })).toEqual([
      '  HOLDFAST_S3_ACCESS_KEY_ID=*** needs HOLDFAST_S3_SECRET_ACCESS_KEY, which is not set',
    ]);
    expect(problemsOf({ HOLDFAST_S3_SECRET_ACCESS_KEY: 'open-sesame' })).toEqual([
      '  HOLDFAST_S3_SECRET_ACCESS_KEY=*** needs HOLDFAST_S3_ACCESS_KEY_ID, which is not set',
    ]);
    expect(
      problemsOf({ HOLDFAST_S3_ACCESS_KEY_ID: 'A B', HOLDFAST_S3_SECRET_ACCESS_KEY: 'a b' }),
    ).toHaveLength(2);
  });

  it('refuses automatic failover without a CDN to probe', () => {
    expect(problemsOf({ HOLDFAST_FAILOVER: 'auto' })).toEqual([
      '  HOLDFAST_FAILOVER="auto" needs HOLDFAST_CDN_BASE_URL, which is not set',
    ]);
    const env = { HOLDFAST_FAILOVER: 'auto', HOLDFAST_CDN_BASE_URL: 'https://cdn.example.org' };
    expect(read(env).failover).toBe('auto');
    expect(read({ HOLDFAST_FAILOVER: 'off' }).failover).toBe('off');
  });

  it('reports every half of a way to tell of alerts, and nothing of its secrets', () => {
    const text = problemsOf({
      HOLDFAST_SMTP_URL: 'smtp://me:sesame@mail.example.org',
      HOLDFAST_ALERT_FROM: 'Me <sesame>',
      HOLDFAST_WEBHOOK_URL: 'https://hooks.example.org/sesame',
    });
    expect(text).toEqual([
      '  HOLDFAST_SMTP_URL=*** needs HOLDFAST_ALERT_TO, which is not set',
      '  HOLDFAST_ALERT_FROM="Me <sesame>" is not an e-mail address such as holdfast@example.org (example: HOLDFAST_ALERT_FROM=holdfast@example.org)',
      '  HOLDFAST_WEBHOOK_URL=*** needs HOLDFAST_WEBHOOK_SECRET, which is not set',
    ]);
    const { smtpUrl, alertTo, webhookUrl } = read({
      HOLDFAST_SMTP_URL: 'smtps://mail.example.org',
      HOLDFAST_ALERT_TO: 'a@example.org, b@example.org',
      HOLDFAST_ALERT_FROM: 'holdfast@example.org',
      HOLDFAST_WEBHOOK_URL: 'https://hooks.example.org/holdfast?key=1',
      HOLDFAST_WEBHOOK_SECRET: '0123456789abcdef',
    });
    expect([smtpUrl?.reveal(), alertTo, webhookUrl?.reveal()]).toEqual([
      'smtps://mail.example.org',
      ['a@example.org', 'b@example.org'],
      'https://hooks.example.org/holdfast?key=1',
    ]);
  });

  it('takes an address that other machines reach only where there are tokens, and a URL for readers', () => {
    const needs = (name: string): unknown => expect.stringContaining(`needs ${name}`);
    const [tokens, url] = [needs('HOLDFAST_TOKENS_FILE'), needs('HOLDFAST_LOCAL_BASE_URL')];
    expect(problemsOf({ HOLDFAST_HOST: '192.168.1.2' })).toEqual([tokens]);
    for (const host of ['0.0.0.0', '::']) expect(problemsOf({ HOLDFAST_HOST: host })).toEqual([tokens, url]);
    const given = { HOLDFAST_TOKENS_FILE: 'tokens', HOLDFAST_LOCAL_BASE_URL: 'https://a.example/content' };
    expect(read({ HOLDFAST_HOST: '0.0.0.0', ...given }).host).toBe('0.0.0.0');
  });

  it('keeps the URL of an EventStoreDB, with its password, to itself', () => {
    const url = 'esdb+discover://admin:sesame@a:2113,b:2113/?nodePreference=leader';
    const { eventStore } = read({ HOLDFAST_EVENT_STORE: url });
    expect(eventStore.kind === 'esdb' ? eventStore.url.reveal() : null).toBe(url);
    expect(JSON.stringify(eventStore)).not.toContain('sesame');
    for (const short of ['esdb://localhost', 'esdb://h:2113?tls=false', 'esdb://a:1,b:2,c:3']) {
      expect(read({ HOLDFAST_EVENT_STORE: short }).eventStore.kind).toBe('esdb');
    }
  });

  it('shows no secret: not a token, not a password in a URL, not the value of an unknown variable', () => {
    const text = problemsOf({
      HOLDFAST_TOKEN: 'open sesame',
      HOLDFAST_CDN_BASE_URL: 'https://me:sesame@cdn.example.org',
      HOLDFAST_EVENT_STORE: 'esdb://admin:ses@sesame@db.example.org',
      HOLDFAST_SMTP_PASSWORD: 'sesame',
    }).join('\n');
    expect(text.split('\n')).toHaveLength(4);
    expect(text).not.toContain('sesame');
  });

  it.each([
    ['HOLDFAST_PORT', '65536', '-1', '80.5', '1e3', ' '],
    ['HOLDFAST_HOST', 'example.org', '0.0.0', '1.2.3.4.5'],
    ['HOLDFAST_NODE', 'a b', '../x', 'x'.repeat(101)],
    [
      'HOLDFAST_EVENT_STORE',
      'esdb://',
      'esdb:localhost',
      'kurrentdb://localhost:2113',
      'events.db',
      'postgres://x',
    ],
    ['HOLDFAST_EVENT_STORE_PREFIX', '-a', 'a b', '$a', 'x'.repeat(101)],
    [
      'HOLDFAST_BUCKET',
      '/srv/bucket',
      's3:',
      's3:bucket',
      's3://',
      's3://ab',
      's3://Bucket',
      's3://my_bucket',
      's3://-bucket',
      's3://a..b',
      's3://10.0.0.1/a',
      `s3://${'b'.repeat(64)}`,
      's3://bucket//',
      's3://bucket/a//b',
      's3://bucket/.hidden',
      's3://bucket/a.json',
      's3://bucket/a?b',
      's3://bucket/e\u0301',
      `s3://bucket/${'é/'.repeat(200)}`,
    ],
    ['HOLDFAST_SMTP_URL', 'mail.example.org', 'http://mail.example.org', 'smtp://'],
    ['HOLDFAST_ALERT_TO', 'me', 'a@example.org,', 'a@example.org\nBcc: b@example.org'],
    ['HOLDFAST_WEBHOOK_URL', 'hooks.example.org', 'ftp://a', 'https://me:key@a', 'https://a/#b'],
    ['HOLDFAST_WEBHOOK_SECRET', 'too-short', 'with a space in it'],
    ['HOLDFAST_S3_ENDPOINT', 's3.example.org', 'https://key:secret@s3.example.org'],
    ['HOLDFAST_S3_REGION', 'EU', 'eu west'],
    ['HOLDFAST_S3_FORCE_PATH_STYLE', 'yes'],
    ['HOLDFAST_S3_TIMEOUT', '30', '0s', '2h'],
    [
      'HOLDFAST_CDN_BASE_URL',
      'cdn.example.org',
      'ftp://cdn.example.org',
      'https://cdn.example.org/?a=1',
      'https://',
    ],
    ['HOLDFAST_CACHE_CONTROL', 'public\r\nx: y', 'é'],
    ['HOLDFAST_CORS_ORIGINS', '*,https://a.example', 'https://a.example/', 'a.example', 'null'],
    ['HOLDFAST_URL_VERSION', 'yes', '1', 'TRUE'],
    ['HOLDFAST_PROJECTORS', 'local,local', 'local,', 'drift'],
    ['HOLDFAST_CDN_CONCURRENCY', '0', '1001'],
    ['HOLDFAST_RETRY_SCHEDULE', '30', '30s,', '0s', '31d', '-1s', Array(101).fill('1s').join(',')],
    ['HOLDFAST_PURGE', 'cloudflare', 'cloudflare:', 'cloudflare:example.org', 'fastly:abc', 'NONE'],
    ['HOLDFAST_CLOUDFLARE_API_TOKEN', 'a\nb', 'é'],
    ['HOLDFAST_DISK_MIN_FREE', '10', '101%', '10%,20%', '1GiB,2GiB', '10%,5GiB,1B', '5gib'],
    [
      'HOLDFAST_KINDS',
      'lesson',
      'lesson=on',
      'page=off',
      'unit=off,unit=warn',
      'unit=off=on',
      'toString=off',
    ],
    ['HOLDFAST_LOG_LEVEL', 'verbose'],
    ['HOLDFAST_URL', '127.0.0.1:8080'],
    ['HOLDFAST_TOKEN', 'a\nb'],
  ])('refuses wrong values of %s', (name, ...values) => {
    for (const value of values)
      expect({ value, problems: problemsOf({ [name]: value }).length }).toEqual({ value, problems: 1 });
  });

  it('names the one of a list that is wrong', () => {
    const wanted = 'a duration between 1ms and 30d (units are ms, s, m, h, d)';
    expect(problemsOf({ HOLDFAST_RETRY_SCHEDULE: '30s,5,1m' })).toEqual([
      expect.stringContaining(`HOLDFAST_RETRY_SCHEDULE="30s,5,1m" has "5" where ${wanted} should be`),
    ]);
  });
});

describe('the address of an S3 bucket', () => {
  it.each([
    ['s3://site-content', { bucket: 'site-content', prefix: '' }, 0],
    ['s3://site-content/', { bucket: 'site-content', prefix: '' }, 0],
    ['s3://site.content/live', { bucket: 'site.content', prefix: 'live/' }, 5],
    ['s3://s3b/live/été 1/', { bucket: 's3b', prefix: 'live/été 1/' }, 13],
  ])('%s names bucket and prefix, whose bytes no path may take', (text, address, bytes) => {
    const { bucket } = read({ HOLDFAST_BUCKET: text });
    expect(bucket).toEqual({ kind: 's3', ...address });
    expect(reservedKeyBytes(bucket)).toBe(bytes);
  });

  it('leaves a folder’s keys whole', () => {
    expect(reservedKeyBytes(read({}).bucket)).toBe(0);
  });
});

describe('localBaseUrlOf', () => {
  it('puts an IPv6 address in brackets', () => {
    expect([localBaseUrlOf('127.0.0.1', 8080), localBaseUrlOf('::1', 80)]).toEqual([
      'http://127.0.0.1:8080/content',
      'http://[::1]:80/content',
    ]);
  });
});
