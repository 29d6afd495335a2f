import { type ChildProcess, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  eventStoreEnvironment,
  type Fault,
  type FaultProxy,
  type Product,
  type S3Server,
  seededFaults,
  startCeph,
  startFaultProxy,
  startProduct,
  waitFor,
} from '@holdfast/testing';
import { describeWithCeph, describeWithS3 } from '@holdfast/testing/s3-suite';
import { makeS3Bucket, type S3Bucket } from '@holdfast/testing/s3-bucket';

const MINUTES = 60_000;
const DOCUMENTS = 10_000;
/** Every fault that a network or a server adds to a request. */
const FAULTS: readonly Fault[] = [
  { kind: 'latency', ms: 300 },
  { kind: 'reset-in-request' },
  { kind: 'reset-before-answer' },
  { kind: 'black-hole' },
  { kind: 'internal-error' },
  { kind: 'slow-down' },
  { kind: 'truncated-answer' },
  { kind: 'lost-answer' },
];

interface Health {
  readonly status: string;
  readonly documents: { published: number };
  readonly replications: Record<string, number>;
  readonly nodes: readonly {
    projectors: readonly { name: string; state: string; reason: string | null }[];
  }[];
}

let dataDir: string;
let product: Product;
let bucket: S3Bucket;
let proxy: FaultProxy;
/** What was started, in order; ended in the reverse. */
const ends: (() => Promise<unknown>)[] = [];

const textOf = (index: number, round: number): string =>
  JSON.stringify({ id: index, round, text: 'x'.repeat(200 + (index % 7) * 100) });

const pathOf = (index: number): string => `units/${index % 100}/${index}.json`;

async function publish(indexes: readonly number[], round: number): Promise<void> {
  const lines = indexes.map((index) => JSON.stringify({ put: pathOf(index), text: textOf(index, round) }));
  const answer = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  const last = (await answer.text()).trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(last)).toMatchObject({ done: true, failed: 0 });
}

const settings = (server: { region: string; accessKeyId: string; secretAccessKey: string }) => ({
  HOLDFAST_BUCKET: `s3://${bucket.name}/live`,
  HOLDFAST_S3_ENDPOINT: proxy.endpoint,
  HOLDFAST_S3_REGION: server.region,
  HOLDFAST_S3_ACCESS_KEY_ID: server.accessKeyId,
  HOLDFAST_S3_SECRET_ACCESS_KEY: server.secretAccessKey,
  HOLDFAST_S3_TIMEOUT: '2s',
  HOLDFAST_RETRY_SCHEDULE: '1s,1s,2s,2s,5s,5s,5s,5s,5s,5s',
});

const health = (): Promise<Health> => product.get<Health>('/v1/health');

async function untilReplicated(): Promise<void> {
  let last: Health | null = null;
  await waitFor(
    () => `everything to be replicated; last: ${JSON.stringify(last)}`,
    async () => {
      last = await health();
      const { queued = 0, failed = 0, 'dead-letter': dead = 0 } = last.replications;
      return queued + failed + dead === 0;
    },
    8 * MINUTES,
  );
}

function startCdnProjector(server: S3Server): ChildProcess {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    ...settings(server),
    HOLDFAST_DATA_DIR: dataDir,
    ...eventStoreEnvironment(dataDir),
    HOLDFAST_PROJECTORS: 'cdn',
    HOLDFAST_NODE: 'cdn-1',
    HOLDFAST_LOG_LEVEL: 'error',
  };
  return spawn(process.execPath, ['apps/projector/src/main.ts'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Live files and objects that are not byte for byte the same. */
async function differences(): Promise<string[]> {
  const content = join(dataDir, 'content');
  const objects = await bucket.etags('live/');
  for (const key of objects.keys()) if (key.startsWith('.')) objects.delete(key);
  const files = readdirSync(content, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  );
  const wrong = files.filter((name) => {
    const etag = objects.get(name);
    objects.delete(name);
    return etag !== hash('md5', readFileSync(join(content, name)));
  });
  return [...wrong, ...[...objects.keys()].map((key) => `${key} (no file)`)];
}

interface Replication {
  readonly status: string;
  readonly attempts: number;
  readonly verified: boolean;
}

/** Every row of the replication log. */
async function replications(): Promise<Replication[]> {
  const headers = { accept: 'application/x-ndjson' };
  const answer = await fetch(`${product.url}/v1/replications`, { headers });
  const lines = (await answer.text()).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Replication);
}

/** Between 0 and 1, the same numbers each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const all = Array.from({ length: DOCUMENTS }, (_, index) => index);

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(dataDir, { recursive: true, force: true });
}, 2 * MINUTES);

/** The product over a bucket of its own, behind a proxy that spoils nothing yet. */
async function startWith(server: S3Server, env: Record<string, string> = {}): Promise<void> {
  bucket = await makeS3Bucket(server);
  ends.push(() => bucket.remove());
  proxy = await startFaultProxy(server.endpoint);
  ends.push(() => proxy.close());
  product = await startProduct({ dataDir, env: { ...settings(server), ...env } });
  ends.push(() => product.stop());
}

describeWithS3('replication through a network that spoils requests', (server) => {
  beforeEach(async () => {
    await startWith(server);
  }, 2 * MINUTES);

  it(
    'ends with 10,000 documents in the bucket, byte for byte, each stored as often as it was published',
    async () => {
      proxy.inject(seededFaults({ seed: 7, share: 0.04, faults: FAULTS }));
      await publish(all, 1);
      await untilReplicated();
      const overwritten = all.filter((index) => index % 10 === 0);
      await publish(overwritten, 2);
      await untilReplicated();
      proxy.inject(null);
      expect(await differences()).toEqual([]);

      // What the server stored more than once is what the faults made it store: none of them makes it twice.
      const stored = proxy.requests.filter(
        ({ method, path, status, reachedServer }) =>
          method === 'PUT' && path.includes('/live/units/') && reachedServer && status === 200,
      );
      expect(stored).toHaveLength(DOCUMENTS + overwritten.length);
      const spoiled = proxy.requests.filter(({ fault }) => fault !== null && fault !== 'latency').length;
      expect(spoiled).toBeGreaterThan(100);

      // The replication log tells of it: one success per version, and no more failures than there were faults.
      const rows = await replications();
      const successes = rows.filter(({ status }) => status === 'success');
      expect(successes).toHaveLength(DOCUMENTS + overwritten.length);
      expect(successes.every(({ verified }) => verified)).toBe(true);
      const failures = rows.reduce((sum, { attempts }) => sum + attempts - 1, 0);
      expect(failures).toBeGreaterThan(0);
      expect(failures).toBeLessThanOrEqual(spoiled);
    },
    12 * MINUTES,
  );
});

describeWithS3('a CDN projector with a process of its own', (server) => {
  beforeEach(async () => {
    await startWith(server, { HOLDFAST_PROJECTORS: 'local' });
  }, 2 * MINUTES);

  it(
    'loses nothing when it is killed at a hundred random moments',
    async () => {
      let isPublishing = true;
      const publishing = (async () => {
        for (let round = 1; isPublishing; round += 1) {
          await publish(all.slice(0, 100), round);
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      })();
      const random = seeded(11);
      for (let kill = 0; kill < 100; kill += 1) {
        const projector = startCdnProjector(server);
        await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1_900));
        projector.kill('SIGKILL');
        await once(projector, 'exit');
      }
      isPublishing = false;
      await publishing;
      const last = startCdnProjector(server);
      ends.push(async () => {
        last.kill('SIGTERM');
        await once(last, 'exit');
      });
      await untilReplicated();
      expect(await differences()).toEqual([]);
    },
    12 * MINUTES,
  );
});

describeWithCeph('replication to a server that is killed', () => {
  it(
    'waits, says so once, and goes on by itself when the server is back',
    async () => {
      const server = await startCeph();
      ends.push(() => server.stop());
      await startWith(server);
      const publishing = publish(all.slice(0, 3_000), 1);
      await waitFor('some to be there', async () => ((await health()).replications['success'] ?? 0) > 100);
      await server.kill();
      await publishing;
      await waitFor('the wait to be told', async () => {
        const { nodes } = await health();
        const cdn = nodes.flatMap(({ projectors }) => projectors).find(({ name }) => name === 'cdn');
        return cdn?.state === 'waiting' && /OBJECT_STORE_/.test(cdn.reason ?? '');
      });
      expect(JSON.stringify(await product.get('/readyz'))).toMatch(/PROJECTOR_WAITING.*OBJECT_STORE_/);
      await publish(all.slice(0, 100), 2);
      const raised = async (): Promise<string[]> => {
        const { stdout } = await product.holdfast('audit', '--type', 'AlertRaised', '--json');
        const lines = stdout.split('\n').filter((line) => line !== '');
        return lines.map((line) => (JSON.parse(line) as { data: { code: string } }).data.code);
      };
      await waitFor('the alert', async () => (await raised()).length > 0);
      await server.start();
      await untilReplicated();
      expect((await health()).replications['dead-letter'] ?? 0).toBe(0);
      expect(await differences()).toEqual([]);
      expect(await raised()).toEqual(['CDN_UNREACHABLE']);
    },
    6 * MINUTES,
  );
});
