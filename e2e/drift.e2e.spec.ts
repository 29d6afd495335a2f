import { hash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { makeS3Bucket, type S3Bucket } from '@holdfast/testing/s3-bucket';
import { describeWithS3 } from '@holdfast/testing/s3-suite';

const MINUTES = 60_000;
const DOCUMENTS = 10_000;
const ORPHANS = 500;

interface Scan {
  readonly findings: readonly { side: string; outcome: string; subject: string; path: string }[];
  readonly roots: Record<string, string>;
}

let dataDir: string;
let product: Product;
let bucket: S3Bucket;

const pathOf = (index: number): string => `units/${index % 100}/${index}.json`;
const live = (path: string): string => join(dataDir, 'content', path);
const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

async function publish(directory: string, count: number, round: number): Promise<void> {
  const lines = range(0, count).map((index) =>
    JSON.stringify({
      put: directory === '' ? pathOf(index) : `${directory}/${index}.json`,
      body: { index, round },
    }),
  );
  const answer = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  expect(JSON.parse((await answer.text()).trim().split('\n').at(-1) ?? '')).toMatchObject({ failed: 0 });
}

async function untilReplicated(): Promise<void> {
  await waitFor(
    'everything to be replicated',
    async () => {
      const { replications } = await product.get<{ replications: Record<string, number> }>('/v1/health');
      return (
        replications['queued'] === 0 && replications['failed'] === 0 && replications['dead-letter'] === 0
      );
    },
    4 * MINUTES,
  );
}

async function verify(...options: string[]): Promise<{ code: number; scan: Scan }> {
  const { code, stdout, stderr } = await product.holdfast('verify', ...options, '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, scan: JSON.parse(stdout) as Scan };
}

/** `side outcome subject path`, without what is published meanwhile. */
const found = ({ findings }: Scan): string[] =>
  findings.map(({ side, outcome, subject, path }) => `${side} ${outcome} ${subject} ${path}`).sort();

function write(path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(live(path)), { recursive: true });
  writeFileSync(live(path), bytes);
}

/** One bit of the last byte but one, with the same size and times. */
function flip(path: string): void {
  const file = live(path);
  const { atime, mtime } = statSync(file);
  const bytes = readFileSync(file);
  bytes[bytes.length - 2]! ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, atime, mtime);
}

/** Plants drift of every kind on the local disk. @returns what a scan must find */
function plantLocally(): string[] {
  const missing = range(0, 20).map((index) => pathOf(index * 31));
  for (const path of missing) rmSync(live(path));
  const orphans = range(0, ORPHANS).map((index) => `stray/${index}.json`);
  for (const path of orphans) write(path, '{}');
  const flipped = range(0, 10).map((index) => pathOf(5_000 + index));
  for (const path of flipped) flip(path);
  const replaced = range(0, 3).map((index) => pathOf(6_000 + index));
  for (const path of replaced) {
    rmSync(live(path));
    mkdirSync(live(path));
  }
  const temporary = `${pathOf(7_000)}.tmp.0190a5a2-0000-7000-8000-000000000001`;
  write(temporary, 'half');
  write(`${pathOf(7_001)}.prev`, '{}');
  return [
    ...missing.map((path) => `local missing document ${path}`),
    ...orphans.map((path) => `local orphan document ${path}`),
    ...flipped.map((path) => `local different document ${path}`),
    ...replaced.flatMap((path) => [`local missing document ${path}`, `local orphan directory ${path}/`]),
    `local orphan temporary ${temporary}`,
    `local orphan previous ${pathOf(7_001)}.prev`,
  ];
}

/** The same in the bucket. */
async function plantRemotely(): Promise<string[]> {
  const ours = await bucket.metadataOf(`live/${pathOf(0)}`);
  const missing = range(0, 20).map((index) => pathOf(1 + index * 37));
  for (const path of missing) await bucket.delete(`live/${path}`);
  const orphans = range(0, ORPHANS).map((index) => `lost/${index}.json`);
  for (const path of orphans) await bucket.put(`live/${path}`, Buffer.from('{}'), { metadata: ours });
  const different = range(0, 10).map((index) => pathOf(8_000 + index));
  for (const path of different) {
    const bytes = readFileSync(live(path));
    bytes[bytes.length - 2]! ^= 1;
    await bucket.put(`live/${path}`, bytes, { contentType: 'application/json', metadata: ours });
  }
  const mistyped = range(0, 10).map((index) => pathOf(9_000 + index));
  for (const path of mistyped) {
    const metadata = await bucket.metadataOf(`live/${path}`);
    await bucket.put(`live/${path}`, readFileSync(live(path)), { contentType: 'text/html', metadata });
  }
  const mismarked = range(0, 10).map((index) => pathOf(9_500 + index));
  for (const path of mismarked) {
    await bucket.put(`live/${path}`, readFileSync(live(path)), { contentType: 'application/json' });
  }
  const foreign = range(0, 10).map((index) => `foreign/${index}.txt`);
  for (const path of foreign) await bucket.put(`live/${path}`, Buffer.from('not ours'));
  return [
    ...missing.map((path) => `cdn missing document ${path}`),
    ...orphans.map((path) => `cdn orphan document ${path}`),
    ...different.map((path) => `cdn different document ${path}`),
    ...[...mistyped, ...mismarked].map((path) => `cdn different metadata ${path}`),
    ...foreign.map((path) => `cdn foreign document ${path}`),
  ];
}

describeWithS3('drift in a tree of 10,000 documents and its bucket', (server) => {
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'holdfast-drift-'));
    bucket = await makeS3Bucket(server);
    product = await startProduct({
      dataDir,
      env: {
        HOLDFAST_BUCKET: `s3://${bucket.name}/live`,
        HOLDFAST_S3_ENDPOINT: server.endpoint,
        HOLDFAST_S3_REGION: server.region,
        HOLDFAST_S3_ACCESS_KEY_ID: server.accessKeyId,
        HOLDFAST_S3_SECRET_ACCESS_KEY: server.secretAccessKey,
      },
    });
  }, 2 * MINUTES);

  afterEach(async () => {
    await product.stop();
    await bucket.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }, 2 * MINUTES);

  it(
    'SC-006 is found whole, and nothing else, while publishing goes on; is repaired; and the next scan is clean',
    async () => {
      await publish('', DOCUMENTS, 1);
      await untilReplicated();
      const clean = await verify('--full');
      expect([clean.code, found(clean.scan)]).toEqual([0, []]);

      const planted = [...plantLocally(), ...(await plantRemotely())].sort();
      let isPublishing = true;
      const publishing = (async () => {
        for (let round = 2; isPublishing; round += 1) {
          await publish('busy', 50, round);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      })();
      const looked = await verify('--full');
      isPublishing = false;
      await publishing;
      expect(found(looked.scan)).toEqual(planted);
      expect(looked.code).toBe(1);
      expect(existsSync(live('stray/0.json'))).toBe(true);

      // More orphans than HOLDFAST_MAX_REPAIRS: none is touched without an operator's word.
      const careful = await verify('--full', '--repair');
      expect(careful.code).toBe(1);
      expect(existsSync(live('stray/0.json'))).toBe(true);
      await untilReplicated();
      await verify('--full', '--repair', '--confirm', String(ORPHANS + 10));
      await untilReplicated();
      expect(existsSync(join(dataDir, 'content/stray'))).toBe(false);

      const after = await verify('--full');
      expect(found(after.scan)).toEqual(planted.filter((line) => line.startsWith('cdn foreign')));
      expect(new Set(Object.values(after.scan.roots)).size).toBe(1);
      expect(await differences()).toEqual([]);
    },
    10 * MINUTES,
  );
});

/** Live files and objects that are not byte for byte the same; foreign ones aside. */
async function differences(): Promise<string[]> {
  const objects = await bucket.etags('live/');
  for (const key of objects.keys()) if (/^(\.|foreign\/)/.test(key)) objects.delete(key);
  const names = readdirSync(join(dataDir, 'content'), { recursive: true, encoding: 'utf8' });
  const wrong = names
    .filter((name) => name.endsWith('.json'))
    .filter((name) => {
      const etag = objects.get(name);
      objects.delete(name);
      return etag !== hash('md5', readFileSync(live(name)));
    });
  return [...wrong, ...objects.keys()];
}
