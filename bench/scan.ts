import { execFileSync } from 'node:child_process';
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
import { makeS3Bucket } from '@holdfast/testing/s3-bucket';
import { freshDirectory, makeDocument, percentiles, round } from './measure.ts';
import { publishFor } from './publish.ts';
import { rclone } from './rclone.ts';
import type { Measured } from './run.ts';

const DOCUMENTS = 30_000;
const DOCUMENTS_ON_S3 = 10_000;
const BYTES = 9_000;
/** Each in turn, so that other work on the machine meets both; the best of each counts. */
const ROUNDS = 3;
const PUBLISHING_SECONDS = 15;

/** A full scan against `sha256sum` of the same files, and against `rclone check --checksum` of the same tree and bucket; and what publishing notices of it. */
export async function measureScan(): Promise<Measured[]> {
  return [...(await measureLocal()), await measureWithBucket()];
}

async function measureLocal(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  try {
    await fill(product, DOCUMENTS);
    const tree = join(product.dataDir, 'content/');
    const { scans, others } = await inTurn(
      () => scan(product),
      () => sha256sum(tree),
    );
    const ratio = round(Math.min(...scans) / Math.min(...others));
    return [
      {
        name: `full scan of ${DOCUMENTS} x 9 KB, folder bucket`,
        value: ratio,
        unit: 'x sha256sum',
        aim: '<= 2 x',
        met: ratio <= 2,
        detail: `${tellAll(scans)} ms as the scan tells it, log, disk and bucket; sha256sum of the disk on two cores ${tellAll(others)} ms`,
      },
      await measurePublishing(product),
    ];
  } finally {
    await product.stop();
  }
}

/** The same rate without scans and with one after the other all the time, in turn; a CLI's start is not in between. */
async function measurePublishing(product: Product): Promise<Measured> {
  await publishFor(product.url, 3, 'warm');
  const [alone, beside, scans]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(...(await publishFor(product.url, PUBLISHING_SECONDS, `alone-${round}`)));
    let isPublishing = true;
    const scanning = (async () => {
      while (isPublishing) scans.push(await scanByRequest(product));
    })();
    beside.push(...(await publishFor(product.url, PUBLISHING_SECONDS, `beside-${round}`)));
    isPublishing = false;
    await scanning;
  }
  const [without, during] = [percentiles(alone), percentiles(beside)];
  const ratio = round(during.p99 / without.p99);
  return {
    name: 'publish, ?wait=local, while scans run',
    value: ratio,
    unit: 'x p99 without',
    aim: '<= 2 x',
    met: ratio <= 2,
    detail: `50/s for ${ROUNDS} x ${PUBLISHING_SECONDS} s each; p99 ${during.p99} ms (p50 ${during.p50}) during full scans of ${DOCUMENTS}, ${tellAll(scans)} ms each; ${without.p99} ms without (p50 ${without.p50})`,
  };
}

async function inTurn(
  scanOnce: () => Promise<number>,
  runOther: () => number | null,
): Promise<{ scans: number[]; others: number[] }> {
  const [scans, others]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    scans.push(await scanOnce());
    const other = runOther();
    if (other !== null) others.push(other);
  }
  return { scans, others };
}

const tellAll = (times: readonly number[]): string => times.map((ms) => Math.round(ms)).join(', ');

async function measureWithBucket(): Promise<Measured> {
  const name = `full scan of ${DOCUMENTS_ON_S3} x 9 KB, S3`;
  const given = s3Server();
  const missing = missingCephPrograms();
  if (given === null && missing.length > 0) return skipped(name, `not installed: ${missing.join(', ')}`);
  const ceph = given === null ? await startCeph() : null;
  try {
    return await compareWithRclone(name, given ?? ceph!);
  } finally {
    await ceph?.stop();
  }
}

async function compareWithRclone(name: string, server: S3Server): Promise<Measured> {
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
  try {
    await fill(product, DOCUMENTS_ON_S3);
    const tree = join(product.dataDir, 'content/');
    const filters = ['--exclude', '*.prev', '--exclude', '.holdfast/**'];
    const check = ['check', '--checksum', ...filters, tree, `bench:${bucket.name}/live`];
    const { scans, others } = await inTurn(
      () => scan(product),
      () => rclone(server, check),
    );
    if (others.length === 0) return skipped(name, 'rclone is not installed');
    const ratio = round(Math.min(...scans) / Math.min(...others));
    return {
      name,
      value: ratio,
      unit: 'x rclone check --checksum',
      aim: '<= 1 x',
      met: ratio <= 1,
      detail: `${tellAll(scans)} ms, rclone ${tellAll(others)} ms; same tree, same bucket`,
    };
  } finally {
    await product.stop();
    await bucket.remove();
  }
}

async function fill(product: Product, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ put: `units/u${index}.json`, text: makeDocument(index, BYTES) }),
  );
  const response = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  await response.text();
  await waitFor(
    'the replica',
    async () => {
      const { replications } = await product.get<{ replications: Record<string, number> }>('/v1/health');
      return replications['success'] === count;
    },
    600_000,
  );
}

async function scan(product: Product): Promise<number> {
  const { code, stdout, stderr } = await product.holdfast('verify', '--full', '--json');
  if (code !== 0) throw new Error(`The scan ended with ${code}: ${stderr}`);
  const { scanId } = JSON.parse(stdout) as { scanId: string };
  const { durationMs } = await product.get<{ durationMs: number }>(`/v1/drift/scans/${scanId}`);
  return durationMs;
}

async function scanByRequest(product: Product): Promise<number> {
  const response = await fetch(`${product.url}/v1/drift/scans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'full' }),
  });
  const { id } = (await response.json()) as { id: string };
  await waitFor(
    'the scan',
    async () => {
      const { state } = await product.get<{ state: string }>(`/v1/jobs/${id}`);
      if (state === 'failed') throw new Error('A scan failed.');
      return state === 'succeeded';
    },
    120_000,
  );
  return (await product.get<{ durationMs: number }>(`/v1/drift/scans/${id}`)).durationMs;
}

function sha256sum(tree: string): number {
  const started = performance.now();
  const command = `find . -name '*.json' -print0 | xargs -0 -P 2 -n 500 sha256sum > /dev/null`;
  execFileSync('sh', ['-c', command], { cwd: tree });
  return performance.now() - started;
}

const skipped = (name: string, why: string): Measured => ({
  name,
  value: 0,
  unit: 'skipped',
  aim: '-',
  met: null,
  detail: why,
});
