// Three machines, as far as one can have them: three data directories, one EventStoreDB, one bucket. TEST_CHAOS_SECONDS says for how long.
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Product, type S3Server, startProduct, waitFor } from '@holdfast/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { makeS3Bucket, type S3Bucket } from '@holdfast/testing/s3-bucket';
import { describeWithS3 } from '@holdfast/testing/s3-suite';

const MINUTES = 60_000;
const SECONDS = Number(process.env['TEST_CHAOS_SECONDS'] ?? 25);
const NAMES = ['web-1', 'web-2', 'web-3'];
/** Publishes that begin each second, whatever becomes of those before. */
const RATE = 50;
const PATHS = 600;
/** More than ever wait, unless nothing goes through any more. */
const MOST_IN_FLIGHT = 3_000;
/** How long a client waits for one node before it asks the next. */
const PATIENCE_MS = 5_000;

interface Node {
  readonly name: string;
  readonly dataDir: string;
  product: Product;
}

interface Health {
  readonly replications: Record<string, number>;
  readonly local: { lag: { events: number } | null };
  readonly nodes: readonly { node: string; projectors: readonly { name: string; state: string }[] }[];
}

interface Audited {
  readonly type: string;
  readonly position: string;
  readonly data: { path: string; sha256?: string };
  readonly actor: string;
}

let server: EventStoreDbServer;
let bucket: S3Bucket;
let nodes: Node[];
let directory: string;
let env: Record<string, string>;

const start = (name: string): Promise<Product> =>
  startProduct({ dataDir: join(directory, name), env: { ...env, HOLDFAST_NODE: name } });

async function startAll(s3: S3Server): Promise<void> {
  env = {
    HOLDFAST_EVENT_STORE: server.url,
    HOLDFAST_EVENT_STORE_PREFIX: 'chaos-',
    HOLDFAST_BUCKET: `s3://${bucket.name}/live`,
    HOLDFAST_S3_ENDPOINT: s3.endpoint,
    HOLDFAST_S3_REGION: s3.region,
    HOLDFAST_S3_ACCESS_KEY_ID: s3.accessKeyId,
    HOLDFAST_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    HOLDFAST_RETRY_SCHEDULE: '1s,1s,2s,2s,5s,5s,5s,5s',
    HOLDFAST_LOG_LEVEL: 'error',
  };
  nodes = [];
  for (const name of NAMES) {
    nodes.push({ name, dataDir: join(directory, name), product: await start(name) });
  }
}

const stateOfCdn = ({ nodes: reports }: Health): string[] =>
  reports
    .flatMap(({ projectors }) => projectors.filter(({ name }) => name === 'cdn'))
    .map(({ state }) => state);

const healthOf = ({ product }: Node): Promise<Health> => product.get<Health>('/v1/health');

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-nodes-'));
  server = await startEventStoreDb();
});

afterEach(async () => {
  for (const { product } of nodes) await product.stop();
  await bucket.remove();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}, MINUTES);

/**
 * Publishes as a client behind a load balancer does: to one node after the other until one acknowledges. The same key
 * makes it one event however often it is sent.
 * @param failed  told of each attempt that was not answered with success
 */
async function publish(
  path: string,
  text: string,
  { key, turn, failed }: { key: string; turn: number; failed?: (why: string) => void },
): Promise<{ version: number }> {
  for (let attempt = 0; ; attempt += 1) {
    const { product } = nodes[(turn + attempt) % nodes.length]!;
    try {
      const answer = await fetch(`${product.url}/v1/content/${path}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: text,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.ok) return (await answer.json()) as { version: number };
      const problem = await answer.text();
      if (answer.status < 500) throw new Refused(`${answer.status} ${problem}`);
      failed?.((JSON.parse(problem) as { code: string }).code);
    } catch (error) {
      if (error instanceof Refused) throw error;
      failed?.(reasonOf(error as Error));
    }
    // All of them were asked.
    if (attempt % nodes.length === nodes.length - 1) await sleep(100 + Math.random() * 100);
  }
}

class Refused extends Error {}

const reasonOf = ({ name, cause }: Error): string =>
  name === 'TimeoutError' ? 'no answer' : ((cause as { code?: string } | undefined)?.code ?? name);

interface Acknowledged {
  readonly path: string;
  readonly version: number;
  readonly sha256: string;
  /** From the moment at which it was due. */
  readonly latencyMs: number;
}

interface Load {
  readonly acknowledged: Acknowledged[];
  offered: number;
  /** Acknowledged while publishes still began. */
  inTime: number;
  mostInFlight: number;
  /** Attempts that failed, by what the client saw. */
  readonly failures: Record<string, number>;
}

/** Begins so many publishes a second until the time is over, and waits for all of them. */
async function load(until: number): Promise<Load> {
  const done: Load = { acknowledged: [], offered: 0, inTime: 0, mostInFlight: 0, failures: {} };
  const inFlight = new Set<Promise<void>>();
  const refused: unknown[] = [];
  const failed = (why: string): void => {
    done.failures[why] = (done.failures[why] ?? 0) + 1;
  };
  const one = async (nth: number, dueAt: number): Promise<void> => {
    const path = `units/${nth % PATHS}.json`;
    const text = JSON.stringify({ nth, text: 'x'.repeat(500) });
    const { version } = await publish(path, text, { key: `publish-${nth}`, turn: nth, failed });
    const now = performance.now();
    done.acknowledged.push({ path, version, sha256: hash('sha256', text), latencyMs: now - dueAt });
    if (Date.now() <= until) done.inTime += 1;
  };
  const begunAt = performance.now();
  while (Date.now() < until) {
    const due = Math.floor(((performance.now() - begunAt) * RATE) / 1_000);
    for (; done.offered < due; done.offered += 1) {
      if (inFlight.size >= MOST_IN_FLIGHT) throw new Error(`${MOST_IN_FLIGHT} publishes wait.`);
      const work = one(done.offered, begunAt + (done.offered * 1_000) / RATE)
        .catch((error: unknown) => refused.push(error))
        .then(() => void inFlight.delete(work));
      inFlight.add(work);
    }
    done.mostInFlight = Math.max(done.mostInFlight, inFlight.size);
    await sleep(10);
  }
  await Promise.all(inFlight);
  if (refused.length > 0) throw refused[0];
  return done;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** Kills what it meets at random, until the time is over. @returns how often it did what */
async function wreck(until: number): Promise<Record<string, number>> {
  const done: Record<string, number> = {};
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(Math.random() * values.length)]!;
  const deeds: Record<string, () => Promise<void> | void> = {
    'connections cut': () => {
      server.cut();
    },
    'connections silent for 3 s': async () => {
      server.swallow(true);
      await sleep(3_000);
      server.swallow(false);
    },
    'event store restarted': async () => {
      server.stop();
      await sleep(1_000);
      await server.start({ keepData: true });
    },
    'API killed': () => kill(pick(nodes), 'api'),
    'projector killed': () => kill(pick(nodes), 'projector'),
    'node stopped and started': async () => {
      const node = pick(nodes);
      await node.product.stop();
      await sleep(2_000);
      node.product = await start(node.name);
    },
  };
  while (Date.now() < until) {
    await sleep(2_000 + Math.random() * 4_000);
    const name = pick(Object.keys(deeds));
    await deeds[name]!();
    done[name] = (done[name] ?? 0) + 1;
  }
  return done;
}

function kill({ product }: Node, name: 'api' | 'projector'): void {
  const pid = product.children()[name];
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

async function untilSettled(): Promise<void> {
  let last: unknown;
  await waitFor(
    () => `all nodes to be level; last: ${JSON.stringify(last)}`,
    async () => {
      const healths = await Promise.all(nodes.map(healthOf));
      last = healths.map(({ replications, local, nodes: reports }) => ({ replications, local, reports }));
      const isReplicated = healths.every(
        ({ replications: { queued, failed, 'dead-letter': dead } }) =>
          queued === 0 && failed === 0 && dead === 0,
      );
      const isMaterialised = healths.every(({ local }) => local.lag?.events === 0);
      return isReplicated && isMaterialised;
    },
    3 * MINUTES,
  );
}

const treeOf = ({ dataDir }: Node): string => join(dataDir, 'content/');

/** `diff -r` of two trees, `.prev` included. */
function differences(one: Node, other: Node): string {
  try {
    return execFileSync('diff', ['-r', treeOf(one), treeOf(other)]).toString();
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout);
  }
}

async function differencesInBucket(node: Node): Promise<string[]> {
  const objects = await bucket.etags('live/');
  const files = readdirSync(treeOf(node), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  );
  const wrong = files.filter(
    (name) => objects.get(name) !== hash('md5', readFileSync(join(treeOf(node), name))),
  );
  const extra = [...objects.keys()].filter((key) => !key.startsWith('.') && !files.includes(key));
  return [...wrong, ...extra];
}

async function auditOf({ product }: Node, query: string): Promise<Audited[]> {
  const answer = await fetch(`${product.url}/v1/audit?${query}`, {
    headers: { accept: 'application/x-ndjson' },
  });
  const lines = (await answer.text()).trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Audited);
}

async function rootsOf({ product }: Node): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await product.holdfast('verify', '--full', '--json');
  if (code !== 0) throw new Error(`verify ended with ${code}: ${stderr}${stdout}`);
  const { scanId } = JSON.parse(stdout) as { scanId: string };
  return (await product.get<{ roots: Record<string, string> }>(`/v1/drift/scans/${scanId}`)).roots;
}

describeWithS3('three nodes on one event store and one bucket', (s3) => {
  beforeEach(async () => {
    bucket = await makeS3Bucket(s3);
    await startAll(s3);
  }, 2 * MINUTES);

  it(
    'one of them replicates, and when it is gone another does within a minute',
    async () => {
      const [one] = nodes;
      await waitFor(
        'one to replicate',
        async () =>
          stateOfCdn(await healthOf(one!))
            .sort()
            .join() === 'running,standing-by,standing-by',
      );
      const { nodes: reports } = await healthOf(one!);
      const holder = reports.find(({ projectors }) =>
        projectors.some(({ name, state }) => name === 'cdn' && state === 'running'),
      );
      const lost = nodes.find(({ name }) => name === holder?.node)!;
      const left = nodes.filter((node) => node !== lost);
      await lost.product.stop();
      const answer = await fetch(`${left[0]!.product.url}/v1/content/a.json?wait=cdn&waitSeconds=60`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"kept":true}',
      });
      expect(answer.status).toBe(201);
      expect(readFileSync(join(treeOf(left[1]!), 'a.json'), 'utf8')).toBe('{"kept":true}');
      lost.product = await start(lost.name);
      await waitFor(
        'the lost one to have it',
        () => readFileSync(join(treeOf(lost), 'a.json'), 'utf8') === '{"kept":true}',
      );
    },
    3 * MINUTES,
  );

  it(
    'MODE_STALE: one that is cut off keeps serving what it has, says so, and catches up',
    async () => {
      const [one] = nodes;
      await publish('a.json', '{"n":1}', { key: 'first', turn: 0 });
      await waitFor('the file everywhere', () =>
        nodes.every((node) => readFileSync(join(treeOf(node), 'a.json')).length > 0),
      );
      server.swallow(true);
      const readiness = async () =>
        (await one!.product.get<{ reasons: { code: string }[] }>('/readyz')).reasons.map(({ code }) => code);
      await waitFor('it to say so', async () => (await readiness()).includes('MODE_STALE'), 10_000);
      expect(await (await fetch(`${one!.product.url}/content/a.json`)).text()).toBe('{"n":1}');
      expect((await fetch(`${one!.product.url}/v1/url/a.json`)).status).toBe(200);
      server.swallow(false);
      await waitFor('it to be ready again', async () => (await readiness()).length === 0);
      await publish('b.json', '{"n":2}', { key: 'second', turn: 0 });
      await waitFor('the new file everywhere', () =>
        nodes.every((node) => readFileSync(join(treeOf(node), 'b.json')).length > 0),
      );
    },
    3 * MINUTES,
  );

  it(
    `come to the same trees, bucket and roots after ${SECONDS} s of 50 publishes a second and kills at random`,
    async () => {
      const until = Date.now() + SECONDS * 1_000;
      const wrecking = wreck(until);
      const loading = load(until);
      // Also where publishing fails: a node that is being started belongs to somebody.
      await Promise.allSettled([wrecking, loading]);
      const wrecked = await wrecking;
      const { acknowledged, ...loaded } = await loading;
      expect(acknowledged).toHaveLength(loaded.offered);
      const settlingSince = Date.now();
      await untilSettled();
      const settledAfterMs = Date.now() - settlingSince;

      const [one, two, three] = nodes as [Node, Node, Node];
      expect([differences(one, two), differences(one, three)]).toEqual(['', '']);
      expect(await differencesInBucket(one)).toEqual([]);
      const roots = [await rootsOf(one), await rootsOf(two), await rootsOf(three)];
      expect(new Set(roots.flatMap((each) => Object.values(each))).size).toBe(1);

      const published = await auditOf(two, 'type=ContentPublished');
      const inLog = new Set(published.map(({ data }) => `${data.path} ${data.sha256}`));
      expect(acknowledged.filter(({ path, sha256 }) => !inLog.has(`${path} ${sha256}`))).toEqual([]);
      // The last of each path is what is live.
      const inOrder = acknowledged.toSorted((a, b) => a.version - b.version);
      const last = new Map(inOrder.map(({ path, sha256 }) => [path, sha256]));
      for (const [path, sha256] of last) {
        expect([path, hash('sha256', readFileSync(join(treeOf(three), path)))]).toEqual([path, sha256]);
      }
      expect(published).toHaveLength(acknowledged.length);

      // What a node replicated lies between its taking over and the next one's, but for what was under way then.
      const replicated = (await auditOf(one, 'type=ContentReplicated')).toReversed();
      const turns = replicated.filter(({ actor }, index) => actor !== replicated[index - 1]?.actor).length;
      const perNode = Object.groupBy(replicated, ({ actor }) => actor);
      const story = await auditOf(three, `path=${acknowledged[0]!.path}`);
      expect(story.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['ContentPublished', 'ContentReplicated']),
      );
      const latencies = acknowledged.map(({ latencyMs }) => latencyMs);
      console.info(
        JSON.stringify({
          seconds: SECONDS,
          ...loaded,
          acknowledged: acknowledged.length,
          offeredPerSecond: loaded.offered / SECONDS,
          acknowledgedPerSecond: loaded.inTime / SECONDS,
          latencyMs: {
            p50: percentile(latencies, 0.5),
            p90: percentile(latencies, 0.9),
            p99: percentile(latencies, 0.99),
            longest: percentile(latencies, 1),
          },
          wrecked,
          settledAfterMs,
          replications: replicated.length,
          byNode: Object.fromEntries(Object.entries(perNode).map(([name, events]) => [name, events?.length])),
          turns,
          root: roots[0]?.['expected'],
        }),
      );
    },
    SECONDS * 1_000 + 6 * MINUTES,
  );
});
