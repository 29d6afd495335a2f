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
import { freshDirectory, makeDocument, round } from './measure.ts';
import { rclone } from './rclone.ts';
import type { Measured } from './run.ts';

const DOCUMENTS = 10_000;
const BYTES = 9_000;

/** A full scan against `sha256sum` of the same files, and against `rclone check --checksum` of the same tree and bucket. */
export async function measureScan(): Promise<Measured[]> {
  return [await measureLocal(), await measureWithBucket()];
}

async function measureLocal(): Promise<Measured> {
  const product = await startProduct({ dataDir: freshDirectory() });
  try {
    await fill(product);
    const scanMs = await scan(product);
    const sumMs = sha256sum(join(product.dataDir, 'content/'));
    const ratio = round(scanMs / sumMs);
    return {
      name: `full scan of ${DOCUMENTS} x 9 KB, folder bucket`,
      value: ratio,
      unit: 'x sha256sum',
      aim: '<= 2 x',
      met: ratio <= 2,
      detail: `${Math.round(scanMs)} ms as the scan tells it, log, disk and bucket; sha256sum of the disk on two cores ${Math.round(sumMs)} ms`,
    };
  } finally {
    await product.stop();
  }
}

async function measureWithBucket(): Promise<Measured> {
  const name = `full scan of ${DOCUMENTS} x 9 KB, S3`;
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
    await fill(product);
    const scanMs = await scan(product);
    const tree = join(product.dataDir, 'content/');
    const filters = ['--exclude', '*.prev', '--exclude', '.holdfast/**'];
    const checkMs = rclone(server, ['check', '--checksum', ...filters, tree, `bench:${bucket.name}/live`]);
    if (checkMs === null) return skipped(name, 'rclone is not installed');
    const ratio = round(scanMs / checkMs);
    return {
      name,
      value: ratio,
      unit: 'x rclone check --checksum',
      aim: '<= 1 x',
      met: ratio <= 1,
      detail: `${Math.round(scanMs)} ms, rclone ${Math.round(checkMs)} ms; same tree, same bucket`,
    };
  } finally {
    await product.stop();
    await bucket.remove();
  }
}

async function fill(product: Product): Promise<void> {
  const lines = Array.from({ length: DOCUMENTS }, (_, index) =>
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
      return replications['success'] === DOCUMENTS;
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
