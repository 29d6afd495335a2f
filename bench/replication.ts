import { join } from 'node:path';
import {
  missingCephPrograms,
  type Product,
  type S3Server,
  s3Server,
  startCeph,
  startProduct,
  waitFor,
} from '@holdfast/testing';
import { makeS3Bucket, type S3Bucket } from '@holdfast/testing/s3-bucket';
import { openCatalog } from '@holdfast/catalog';
import { systemClock } from '@holdfast/domain';
import { openSqliteEventStore } from '@holdfast/event-store';
import { dataPaths } from '@holdfast/storage';
import { freshDirectory, makeDocument, percentiles, round } from './measure.ts';
import { rclone } from './rclone.ts';
import type { Measured } from './run.ts';

const FIRST = 9_880;
const BYTES = 9_000;
const ALL = 100_000;
const SMALL_BYTES = 300;
const CHANGES = 200;

/**
 * The replica in a real S3 server: the first replication against `rclone copy` in the same run, one change among
 * 100,000 documents, and memory while 100,000 wait. Skipped, visibly, where there is no server.
 */
export async function measureReplication(): Promise<Measured[]> {
  const given = s3Server();
  if (given !== null) return measureWith(given);
  const missing = missingCephPrograms();
  if (missing.length > 0) return [skipped('replication to S3', `not installed: ${missing.join(', ')}`)];
  const ceph = await startCeph();
  try {
    return await measureWith(ceph);
  } finally {
    await ceph.stop();
  }
}

async function measureWith(server: S3Server): Promise<Measured[]> {
  const bucket = await makeS3Bucket(server);
  const product = await startProduct({
    dataDir: freshDirectory(),
    env: {
      HOLDFAST_BUCKET: `s3://${bucket.name}/live`,
      HOLDFAST_S3_ENDPOINT: server.endpoint,
      HOLDFAST_S3_REGION: server.region,
      HOLDFAST_S3_ACCESS_KEY_ID: server.accessKeyId,
      HOLDFAST_S3_SECRET_ACCESS_KEY: server.secretAccessKey,
    },
  });
  const results: Measured[] = [];
  try {
    results.push(...(await measureFirst(product, server, bucket)));
    const few = await fill(product, FIRST, FIRST + 10_000);
    const many = await fill(product, FIRST + 10_000, ALL);
    results.push(measureMemory(few, many));
    await replicateAll(product, ALL);
    results.push(await measureChange(product, bucket));
  } finally {
    await product.stop();
    await bucket.remove();
  }
  return [...results, await measureTick(product.dataDir)];
}

async function measureFirst(product: Product, server: S3Server, bucket: S3Bucket): Promise<Measured[]> {
  await setMode(product, false);
  await publish(product, 0, FIRST, BYTES);
  const started = performance.now();
  await replicateAll(product, FIRST);
  const ms = performance.now() - started;
  const tree = join(product.dataDir, 'content/');
  const filters = ['--exclude', '*.prev'];
  const rcloneMs = rclone(server, [
    'copy',
    '--transfers',
    '32',
    ...filters,
    tree,
    `bench:${bucket.name}/rclone`,
  ]);
  const name = `first replication of ${FIRST} x 9 KB`;
  if (rcloneMs === null) return [skipped(name, 'rclone is not installed')];
  const ratio = round(ms / rcloneMs);
  return [
    {
      name,
      value: ratio,
      unit: 'x rclone copy --transfers 32',
      aim: '<= 1.1 x',
      met: ratio <= 1.1,
      detail: `${Math.round(ms)} ms until all is recorded, rclone ${Math.round(rcloneMs)} ms; same server, same files`,
    },
  ];
}

/** Publishes while replication is paused. @returns the memory of the projector that they wait in, in MiB */
async function fill(product: Product, from: number, to: number): Promise<number> {
  await setMode(product, false);
  await publish(product, from, to, SMALL_BYTES);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return product.memory().projector ?? 0;
}

function measureMemory(few: number, many: number): Measured {
  const ratio = round(many / few);
  return {
    name: 'projector memory, 100,000 pending',
    value: ratio,
    unit: 'x that at 10,000 pending',
    aim: 'flat: <= 1.25 x',
    met: ratio <= 1.25,
    detail: `resident: ${few} MiB with 10,000 pending, ${many} MiB with ${ALL - FIRST}`,
  };
}

/** From the request to the recorded replica, at ten a second, and what a bare put to the same server takes meanwhile. */
async function measureChange(product: Product, bucket: S3Bucket): Promise<Measured> {
  const changes: number[] = [];
  const puts: number[] = [];
  for (let index = 0; index < CHANGES; index += 1) {
    const body = makeDocument(index, BYTES);
    const at = performance.now();
    const response = await fetch(`${product.url}/v1/content/units/u${index * 7}.json?wait=cdn`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: body.replace('{', '{"changed":true,'),
    });
    await response.arrayBuffer();
    if (response.status !== 201 && response.status !== 200) throw new Error(`Answered ${response.status}.`);
    changes.push(performance.now() - at);
    const putAt = performance.now();
    await bucket.put(`bare/${index}.json`, Buffer.from(body));
    puts.push(performance.now() - putAt);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const change = percentiles(changes);
  const put = percentiles(puts);
  const own = round(change.p99 - put.p99);
  return {
    name: 'one change among 100,000, publish to object',
    value: own,
    unit: 'ms p99 above a bare put',
    aim: '< 100 ms',
    met: own < 100,
    detail: `?wait=cdn p50 ${change.p50} p99 ${change.p99} ms; a bare put p50 ${put.p50} p99 ${put.p99} ms`,
  };
}

/** What the projector asks each time something may have changed, when nothing has: over the data of the stopped product. */
async function measureTick(dataDir: string): Promise<Measured> {
  const paths = dataPaths(dataDir);
  const store = await openSqliteEventStore({
    file: paths.events,
    bellFile: paths.eventsBell,
    clock: systemClock,
    createIfMissing: false,
  });
  const catalog = await openCatalog({ file: paths.catalog('projector'), store, clock: systemClock });
  const ticks: number[] = [];
  for (let tick = 0; tick < 1_000; tick += 1) {
    const at = performance.now();
    const due = catalog.replicationsDue({ now: new Date(), limit: 1_000, exclude: new Set() });
    catalog.nextReplicationAt();
    if (due.length > 0) throw new Error(`${due.length} are due that should be replicated.`);
    ticks.push(performance.now() - at);
  }
  await catalog.close();
  await store.close();
  const { p50, p99 } = percentiles(ticks);
  return {
    name: 'reconcile tick, nothing changed',
    value: p99,
    unit: 'ms p99',
    aim: '< 10 ms',
    met: p99 < 10,
    detail: `${ALL} documents, 1,000 ticks; p50 ${p50} ms`,
  };
}

async function publish(product: Product, from: number, to: number, bytes: number): Promise<void> {
  function* lines(): Generator<Buffer> {
    for (let index = from; index < to; index += 1) {
      const put = `units/u${index}.json`;
      yield Buffer.from(`${JSON.stringify({ put, text: makeDocument(index, bytes) })}\n`);
    }
  }
  const response = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: ReadableStream.from(lines()),
    duplex: 'half',
  });
  const last = (await response.text()).trimEnd().split('\n').at(-1) ?? '';
  const { published, position } = JSON.parse(last) as { published: number; position: string };
  if (published !== to - from) throw new Error(`The batch ended with ${last}`);
  await waitFor('all files', async () => {
    const { local } = await product.get<{ local: { checkpoint: string | null } }>('/v1/health');
    return local.checkpoint !== null && local.checkpoint >= position;
  });
}

async function setMode(product: Product, cdnEnabled: boolean): Promise<void> {
  const response = await fetch(`${product.url}/v1/mode`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cdnEnabled, reason: 'benchmark' }),
  });
  if (!response.ok) throw new Error(`The mode was not changed: ${await response.text()}`);
}

async function replicateAll(product: Product, count: number): Promise<void> {
  await setMode(product, true);
  await waitFor(
    'the replica',
    async () => {
      const { replications } = await product.get<{ replications: Record<string, number> }>('/v1/health');
      return replications['success'] === count;
    },
    1_200_000,
  );
}

const skipped = (name: string, why: string): Measured => ({
  name,
  value: 0,
  unit: 'skipped',
  aim: '-',
  met: null,
  detail: why,
});
