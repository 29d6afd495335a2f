import { hostname } from 'node:os';
import { resolve } from 'node:path';
import {
  CONTENT_KINDS,
  type ContentKind,
  KIND_CHECKS,
  type KindCheck,
  type KindChecks,
} from '@holdfast/domain';
import { z } from 'zod';
import { baseUrl, corsOrigins, eventStoreAddress, isLoopback, isUnspecified, listenHost } from './address.ts';
import { bucketAddress } from './bucket-address.ts';
import { durationMs, durationsMs } from './duration.ts';
import { words } from './list.ts';
import { mailAddress, mailAddresses, smtpUrl, webhookSecret, webhookUrl } from './notifier-address.ts';
import { purgeAddress } from './purge-address.ts';
import { Secret } from './secret.ts';
import { optionalSetting, setting } from './setting.ts';
import { maxRepairs } from './max-repairs.ts';
import { cronPattern, timezone } from './schedule.ts';
import { diskMinFree } from './size.ts';

export const PROJECTOR_NAMES = ['local', 'cdn', 'drift'] as const;
export type ProjectorName = (typeof PROJECTOR_NAMES)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `is not a whole number between ${min} and ${max}`)
    .transform(Number)
    .refine((number) => number >= min && number <= max, `is not between ${min} and ${max}`);

const flag = z.enum(['true', 'false'], 'is neither true nor false').transform((text) => text === 'true');

const nodeName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'is not a name of at most 100 letters, digits, ".", "_" and "-"',
  );

const headerValue = z
  .string()
  .regex(/^[\x20-\x7e]{1,500}$/, 'is not one line of at most 500 ASCII characters');

const secret = (what: 'token' | 'secret') =>
  z
    .string()
    .regex(/^[\x21-\x7e]{1,4096}$/, `has a space or another character that no ${what} has`)
    .transform((text) => new Secret(text));

const streamPrefix = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/,
    'is not a prefix of at most 100 letters, digits, ".", "_" and "-"',
  );

const s3Region = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'is not a region: lower-case letters, digits and hyphens');

const s3AccessKeyId = z
  .string()
  .regex(/^[\x21-\x7e]{1,256}$/, 'has a space or another character that no access key has');

const MAX_S3_TIMEOUT_MS = 3_600_000;
const s3Timeout = durationMs.refine((ms) => ms <= MAX_S3_TIMEOUT_MS, 'is longer than 1h');

const kindChecks = z.string().transform((text, context): KindChecks => {
  const checks: Partial<Record<ContentKind, KindCheck>> = {};
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const [name = '', chosen = '', ...rest] = part.split('=').map((piece) => piece.trim());
    const kind = CONTENT_KINDS.find((known) => known === name);
    const check = KIND_CHECKS.find((known) => known === chosen);
    if (kind === undefined || check === undefined || rest.length > 0 || kind in checks) {
      const kinds = CONTENT_KINDS.join(', ');
      context.addIssue(
        `has ${JSON.stringify(part)}, not <kind>=<check> with a kind of ${kinds} (each once) and a check of ${KIND_CHECKS.join(', ')}`,
      );
      return z.NEVER;
    }
    checks[kind] = check;
  }
  return checks;
});

const thisHost = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100) || 'node';

/** Every environment variable of Holdfast, by the name the program uses for it. */
export const SETTINGS = {
  dataDir: setting({
    variable: 'HOLDFAST_DATA_DIR',
    default: './data',
    description: 'Directory of the event log, the content files, the embedded bucket and all indexes.',
    example: '/var/lib/holdfast',
    usedBy: ['api', 'projector', 'cli'],
    schema: z.string().transform((text) => resolve(text)),
  }),
  port: setting({
    variable: 'HOLDFAST_PORT',
    default: '8080',
    description: 'TCP port of the API and the local origin; 0 takes any free one.',
    example: '8080',
    usedBy: ['api'],
    schema: wholeNumber(0, 65_535),
  }),
  host: setting({
    variable: 'HOLDFAST_HOST',
    default: '127.0.0.1',
    description:
      'Address the API listens on; without tokens it must be a loopback address, and `0.0.0.0` or `::` needs `HOLDFAST_LOCAL_BASE_URL`.',
    example: '127.0.0.1',
    usedBy: ['api'],
    schema: listenHost,
    // Without tokens whoever reaches the port may command; and no reader can be sent to "any address".
    needs: (host) => [
      ...(isLoopback(host) ? [] : ['HOLDFAST_TOKENS_FILE']),
      ...(isUnspecified(host) ? ['HOLDFAST_LOCAL_BASE_URL'] : []),
    ],
  }),
  node: setting({
    variable: 'HOLDFAST_NODE',
    default: thisHost(),
    defaultShown: 'the host name',
    description:
      'Name of this machine in reports, jobs and the log; where its projectors run in several processes, each has one of its own.',
    example: 'web-1',
    usedBy: ['api', 'projector'],
    schema: nodeName,
  }),
  eventStore: setting({
    variable: 'HOLDFAST_EVENT_STORE',
    default: 'sqlite:',
    defaultShown: '`sqlite:` (`events.db` in the data directory)',
    description:
      'Where the event log is: `sqlite:`, `sqlite:<file>`, or the connection string of an EventStoreDB (KurrentDB) server or cluster, `esdb://…` ([several machines](several-machines.md)).',
    example: 'esdb://user:password@node1:2113,node2:2113,node3:2113',
    usedBy: ['api', 'projector', 'cli'],
    schema: eventStoreAddress,
  }),
  eventStorePrefix: setting({
    variable: 'HOLDFAST_EVENT_STORE_PREFIX',
    default: '',
    defaultShown: 'none',
    description:
      'What the names of the log’s streams begin with, where several installations share one EventStoreDB; the embedded log has none.',
    example: 'site-a-',
    usedBy: ['api', 'projector', 'cli'],
    schema: streamPrefix,
  }),
  bucket: setting({
    variable: 'HOLDFAST_BUCKET',
    default: 'folder:',
    defaultShown: '`folder:` (`bucket/` in the data directory)',
    description:
      'Where replicas go: `folder:`, `folder:<directory>`, or `s3://<bucket>/<prefix>` ([buckets](buckets.md)).',
    example: 's3://site-content/live',
    usedBy: ['api', 'projector'],
    schema: bucketAddress,
  }),
  s3Endpoint: optionalSetting({
    variable: 'HOLDFAST_S3_ENDPOINT',
    defaultShown: 'that of AWS for the region',
    description: 'URL of the S3 server, where it is not AWS.',
    example: 'https://s3.example.org',
    usedBy: ['projector'],
    schema: baseUrl,
  }),
  s3Region: setting({
    variable: 'HOLDFAST_S3_REGION',
    default: 'us-east-1',
    description: 'Region the S3 bucket is in; `auto` for R2.',
    example: 'eu-central-1',
    usedBy: ['projector'],
    schema: s3Region,
  }),
  s3AccessKeyId: optionalSetting({
    variable: 'HOLDFAST_S3_ACCESS_KEY_ID',
    defaultShown: 'what the environment, the profile or the role of the machine gives',
    description: 'Access key for the S3 bucket.',
    example: '<access key id>',
    usedBy: ['projector'],
    // No secret, but where the two are mixed up it is.
    isSecret: true,
    schema: s3AccessKeyId,
    needs: ['HOLDFAST_S3_SECRET_ACCESS_KEY'],
  }),
  s3SecretAccessKey: optionalSetting({
    variable: 'HOLDFAST_S3_SECRET_ACCESS_KEY',
    defaultShown: 'none',
    description: 'Secret of that access key.',
    example: '<secret>',
    usedBy: ['projector'],
    isSecret: true,
    schema: secret('secret'),
    needs: ['HOLDFAST_S3_ACCESS_KEY_ID'],
  }),
  s3ForcePathStyle: optionalSetting({
    variable: 'HOLDFAST_S3_FORCE_PATH_STYLE',
    defaultShown: '`true` where an endpoint is set',
    description: 'Whether the bucket is part of the path of S3 URLs instead of the host name.',
    example: 'true',
    usedBy: ['projector'],
    schema: flag,
  }),
  s3TimeoutMs: setting({
    variable: 'HOLDFAST_S3_TIMEOUT',
    default: '30s',
    description: 'Time for one S3 request, to the last byte of its answer.',
    example: '1m',
    usedBy: ['projector'],
    schema: s3Timeout,
  }),
  cdnBaseUrl: optionalSetting({
    variable: 'HOLDFAST_CDN_BASE_URL',
    defaultShown: 'none: readers are sent to the local origin',
    description: 'URL under which readers find the bucket, unless the mode names another.',
    example: 'https://cdn.example.org/content',
    usedBy: ['api', 'projector'],
    schema: baseUrl,
  }),
  localBaseUrl: optionalSetting({
    variable: 'HOLDFAST_LOCAL_BASE_URL',
    defaultShown: '`http://{HOLDFAST_HOST}:{HOLDFAST_PORT}/content`',
    description: 'URL under which readers find the local origin of this node, unless the mode names another.',
    example: 'https://www.example.org/content',
    usedBy: ['api'],
    schema: baseUrl,
  }),
  cacheControl: setting({
    variable: 'HOLDFAST_CACHE_CONTROL',
    default: 'public, max-age=60, stale-while-revalidate=300',
    description: '`Cache-Control` of content, at the local origin and in the bucket.',
    example: 'public, max-age=60',
    usedBy: ['api', 'projector'],
    schema: headerValue,
  }),
  corsOrigins: setting({
    variable: 'HOLDFAST_CORS_ORIGINS',
    default: '*',
    description:
      'Web origins whose pages may read the local origin: `*` or a list. Purging reaches the copies a CDN keeps for the listed ones.',
    example: 'https://www.example.org,https://app.example.org',
    usedBy: ['api', 'projector'],
    schema: corsOrigins,
  }),
  urlVersion: setting({
    variable: 'HOLDFAST_URL_VERSION',
    default: 'false',
    description:
      'Whether content URLs carry `?v=<first 8 of sha256>`, so that caches never serve an old version.',
    example: 'true',
    usedBy: ['api', 'projector'],
    schema: flag,
  }),
  projectors: setting({
    variable: 'HOLDFAST_PROJECTORS',
    default: PROJECTOR_NAMES.join(','),
    description: 'Which projectors this machine runs; `drift` compares the files of `local`, and needs it.',
    example: 'local,cdn,drift',
    usedBy: ['projector'],
    schema: words(PROJECTOR_NAMES).refine(
      (names) => !names.includes('drift') || names.includes('local'),
      'names drift without local, whose files it compares and mends',
    ),
  }),
  cdnConcurrency: setting({
    variable: 'HOLDFAST_CDN_CONCURRENCY',
    default: '32',
    description: 'How many documents are replicated at the same time.',
    example: '32',
    usedBy: ['projector'],
    schema: wholeNumber(1, 1_000),
  }),
  retryScheduleMs: setting({
    variable: 'HOLDFAST_RETRY_SCHEDULE',
    default: '30s,1m,2m,5m,15m,15m,15m',
    description:
      'Waits before the first, second and further retries of a failed replication; then it is a dead letter.',
    example: '30s,1m,5m',
    usedBy: ['projector'],
    schema: durationsMs,
  }),
  purge: setting({
    variable: 'HOLDFAST_PURGE',
    default: 'none',
    description:
      'Whose cache is purged when an object in the bucket changes: `none`, or `cloudflare:` and the id of the zone of the CDN’s URL.',
    example: 'cloudflare:023e105f4ecef8ad9ca31a8372d0c353',
    usedBy: ['projector'],
    schema: purgeAddress,
    needs: ({ kind }) => (kind === 'cloudflare' ? ['HOLDFAST_CLOUDFLARE_API_TOKEN'] : []),
  }),
  cloudflareApiToken: optionalSetting({
    variable: 'HOLDFAST_CLOUDFLARE_API_TOKEN',
    defaultShown: 'none',
    description: 'API token with the permission Cache Purge for that zone.',
    example: '<token>',
    usedBy: ['projector'],
    isSecret: true,
    schema: secret('token'),
  }),
  quickScan: setting({
    variable: 'HOLDFAST_QUICK_SCAN',
    default: '0 8-18 * * 1-5',
    description:
      'When a random sample of 100 documents is compared with the disk and the bucket: cron, or `off`. What is missing or different is restored.',
    example: '0 8-18 * * 1-5',
    usedBy: ['projector'],
    schema: cronPattern,
  }),
  fullScan: setting({
    variable: 'HOLDFAST_FULL_SCAN',
    default: '0 2 * * *',
    description:
      'When every document is compared with the disk and the bucket: cron, or `off`. What is missing or different is restored.',
    example: '0 2 * * *',
    usedBy: ['projector'],
    schema: cronPattern,
  }),
  timezone: setting({
    variable: 'HOLDFAST_TIMEZONE',
    default: Intl.DateTimeFormat().resolvedOptions().timeZone,
    defaultShown: 'that of the machine',
    description: 'Time zone of the scans, by its IANA name.',
    example: 'Europe/Berlin',
    usedBy: ['projector'],
    schema: timezone,
  }),
  maxRepairs: setting({
    variable: 'HOLDFAST_MAX_REPAIRS',
    default: '100,1%',
    description:
      'How many orphans a repair may move or delete; of a number and a percentage of the documents the greater counts. With more on either side none is touched.',
    example: '100,1%',
    usedBy: ['api', 'projector'],
    schema: maxRepairs,
  }),
  diskMinFree: setting({
    variable: 'HOLDFAST_DISK_MIN_FREE',
    default: '10%,5GiB',
    description:
      'Free space below which publishing is refused; of a percentage and a size the smaller counts.',
    example: '10%,5GiB',
    usedBy: ['api', 'projector'],
    schema: diskMinFree,
  }),
  failover: setting({
    variable: 'HOLDFAST_FAILOVER',
    default: 'off',
    description:
      'Whether readers are sent to the local origin when probes of the CDN fail, and back when they succeed: `auto`, with `HOLDFAST_CDN_BASE_URL` to probe, or `off` ([runbook](runbook.md)).',
    example: 'auto',
    usedBy: ['projector'],
    schema: z.enum(['auto', 'off'], 'is neither auto nor off'),
    // Else nothing would be probed, and nobody would know.
    needs: (failover) => (failover === 'auto' ? ['HOLDFAST_CDN_BASE_URL'] : []),
  }),
  kinds: setting({
    variable: 'HOLDFAST_KINDS',
    default: CONTENT_KINDS.map((kind) => `${kind}=warn`).join(','),
    defaultShown: '`warn` for every kind',
    description: `What a document that breaks the schema of its kind meets (${KIND_CHECKS.join(', ')}); kinds not named here warn.`,
    example: 'lesson=refuse,unit=off',
    usedBy: ['api'],
    schema: kindChecks,
  }),
  smtpUrl: optionalSetting({
    variable: 'HOLDFAST_SMTP_URL',
    defaultShown: 'none: no e-mail is sent',
    description: 'Mail server that takes alerts: `smtp://` (STARTTLS where it is offered) or `smtps://`.',
    example: 'smtp://user:password@mail.example.org:587',
    usedBy: ['api', 'projector'],
    isSecret: true,
    schema: smtpUrl,
    needs: ['HOLDFAST_ALERT_TO', 'HOLDFAST_ALERT_FROM'],
  }),
  alertTo: optionalSetting({
    variable: 'HOLDFAST_ALERT_TO',
    defaultShown: 'none',
    description: 'Who gets alerts by e-mail; several addresses with commas between them.',
    example: 'on-call@example.org,editors@example.org',
    usedBy: ['api', 'projector'],
    schema: mailAddresses,
    needs: ['HOLDFAST_SMTP_URL'],
  }),
  alertFrom: optionalSetting({
    variable: 'HOLDFAST_ALERT_FROM',
    defaultShown: 'none',
    description: 'Sender of those e-mails.',
    example: 'holdfast@example.org',
    usedBy: ['api', 'projector'],
    schema: mailAddress,
    needs: ['HOLDFAST_SMTP_URL'],
  }),
  webhookUrl: optionalSetting({
    variable: 'HOLDFAST_WEBHOOK_URL',
    defaultShown: 'none: no webhook is called',
    description: 'URL that alerts are posted to as JSON.',
    example: 'https://hooks.example.org/holdfast',
    usedBy: ['api', 'projector'],
    isSecret: true,
    schema: webhookUrl,
    needs: ['HOLDFAST_WEBHOOK_SECRET'],
  }),
  webhookSecret: optionalSetting({
    variable: 'HOLDFAST_WEBHOOK_SECRET',
    defaultShown: 'none',
    description: 'Key that those calls are signed with; at least 16 characters.',
    example: '<secret>',
    usedBy: ['api', 'projector'],
    isSecret: true,
    schema: webhookSecret,
    needs: ['HOLDFAST_WEBHOOK_URL'],
  }),
  tokensFile: optionalSetting({
    variable: 'HOLDFAST_TOKENS_FILE',
    defaultShown: 'none: whoever reaches the port may do everything',
    description:
      'File of the tokens that may use the API, their names and roles; `holdfast token create` makes its lines ([security](security.md)).',
    example: '/etc/holdfast/tokens',
    usedBy: ['api'],
    schema: z.string().transform((text) => resolve(text)),
  }),
  logLevel: setting({
    variable: 'HOLDFAST_LOG_LEVEL',
    default: 'info',
    description: `Least severe messages that are logged: ${LOG_LEVELS.join(', ')}.`,
    example: 'debug',
    usedBy: ['api', 'projector'],
    schema: z.enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`),
  }),
  url: setting({
    variable: 'HOLDFAST_URL',
    default: 'http://127.0.0.1:8080',
    description: 'Where the `holdfast` command finds the API.',
    example: 'http://127.0.0.1:8080',
    usedBy: ['cli'],
    schema: baseUrl,
  }),
  token: optionalSetting({
    variable: 'HOLDFAST_TOKEN',
    defaultShown: 'none',
    description: 'Token the `holdfast` command sends as `Authorization: Bearer`.',
    example: '<token>',
    usedBy: ['cli'],
    isSecret: true,
    schema: secret('token'),
  }),
};

export type SettingName = keyof typeof SETTINGS;
type Definitions = typeof SETTINGS;
/** What the program gets for each name. */
export type Settings = {
  readonly [Name in SettingName]: Definitions[Name]['schema'] extends z.ZodType<infer Value, string>
    ? Value
    : never;
};
