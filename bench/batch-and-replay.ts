import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { countFiles, freshDirectory, makeDocument, round, run } from './measure.ts';
import type { Measured } from './run.ts';

const DOCUMENTS = 10_000;
const BYTES = 9_000;

/** A season rolling over: ten thousand documents in one batch until all are durable files; then a replay of them. */
export async function measureBatchAndReplay(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  try {
    const batchMs = await publishAll(product);
    const perSecond = Math.round((DOCUMENTS / batchMs) * 1_000);
    await waitFor('the replica', async () => (await health(product)).replications.queued === 0);
    const replayMs = await replay(product);
    const tarMs = untar(product);
    const ratio = round(replayMs / tarMs);
    return [
      {
        name: 'batch of 10,000 x 9 KB',
        value: perSecond,
        unit: 'documents/s',
        aim: '>= 2,500/s',
        met: perSecond >= 2_500,
        detail: `one POST /v1/batch until every file is durable: ${Math.round(batchMs)} ms; replication running`,
      },
      {
        name: 'replay of 10,000 x 9 KB',
        value: ratio,
        unit: 'x tar -x; sync',
        aim: '<= 1.5 x',
        met: ratio <= 1.5,
        detail: `${Math.round(replayMs)} ms from request to the new generation live, tar -x and sync ${Math.round(tarMs)} ms`,
      },
    ];
  } finally {
    await product.stop();
  }
}

async function publishAll(product: Product): Promise<number> {
  const lines = Array.from({ length: DOCUMENTS }, (_, index) =>
    JSON.stringify({ put: `units/u${index}.json`, text: makeDocument(index, BYTES) }),
  );
  const body = `${lines.join('\n')}\n`;
  const started = performance.now();
  const response = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const last = (await response.text()).trimEnd().split('\n').at(-1) ?? '';
  const summary = JSON.parse(last) as { published: number; position: string };
  if (summary.published !== DOCUMENTS) throw new Error(`The batch ended with ${last}`);
  await waitFor('all files', async () => {
    const { local } = (await (await fetch(`${product.url}/v1/health`)).json()) as {
      local: { checkpoint: string | null };
    };
    return local.checkpoint !== null && local.checkpoint >= summary.position;
  });
  return performance.now() - started;
}

async function replay(product: Product): Promise<number> {
  const started = performance.now();
  const response = await fetch(`${product.url}/v1/replays`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { id } = (await response.json()) as { id: string };
  await waitFor('the replay', async () => {
    const job = (await (await fetch(`${product.url}/v1/jobs/${id}`)).json()) as { state: string };
    if (job.state === 'failed') throw new Error('The replay failed.');
    return job.state === 'succeeded';
  });
  return performance.now() - started;
}

/** The same tree, unpacked by tar and made durable, in the same run on the same disk. */
function untar(product: Product): number {
  const content = join(product.dataDir, 'content/');
  const archive = join(product.dataDir, 'tree.tar');
  run('tar', ['-cf', archive, '-C', content, '.'], product.dataDir);
  run('sync', [], product.dataDir);
  const out = join(product.dataDir, 'untarred');
  mkdirSync(out);
  const started = performance.now();
  run('tar', ['-xf', archive, '-C', out], product.dataDir);
  run('sync', [], product.dataDir);
  const elapsed = performance.now() - started;
  if (countFiles(out, '.json') !== DOCUMENTS) throw new Error('The archive lacks documents.');
  return elapsed;
}

async function health(product: Product): Promise<{ replications: { queued: number } }> {
  return (await (await fetch(`${product.url}/v1/health`)).json()) as { replications: { queued: number } };
}
