import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type {
  HealthAnswer,
  JobAnswer,
  PublishAnswer,
  ReadyAnswer,
  ReplicationList,
} from '@holdfast/api/types';
import { type Product, startProduct, waitFor } from '@holdfast/testing';

// Real processes on a machine that may have other work.
jest.setTimeout(120_000);

let product: Product;
beforeAll(async () => {
  product = await startProduct({ env: { HOLDFAST_RETRY_SCHEDULE: '10ms,10ms' } });
});
afterAll(() => product.stop());

/** A directory where the object is to be: the bucket cannot store that one. */
const jam = (path: string): void => {
  mkdirSync(join(product.dataDir, 'bucket', path), { recursive: true });
  writeFileSync(join(product.dataDir, 'bucket', path, 'in-the-way'), '');
};
const clear = (path: string): void => rmSync(join(product.dataDir, 'bucket', path), { recursive: true });

async function put(path: string, query: string): Promise<{ status: number; answer: PublishAnswer }> {
  const response = await fetch(`${product.url}/v1/content/${path}${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '1',
  });
  return { status: response.status, answer: (await response.json()) as PublishAnswer };
}

async function run<Answer>(...args: string[]): Promise<{ code: number; answer: Answer }> {
  const { code, stdout, stderr } = await product.holdfast(...args, '--json');
  if (stdout === '') throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { code, answer: JSON.parse(stdout) as Answer };
}

it('FR-017 a dead letter is told everywhere, is retried by one command, and then is none', async () => {
  await put('first.json', '?wait=cdn&waitSeconds=60');
  jam('a.json');
  jam('b.json');
  expect(await put('a.json', '?wait=cdn&waitSeconds=60')).toMatchObject({
    status: 202,
    answer: {
      version: 0,
      waited: { reached: false, outcome: 'dead-letter', deadLetter: { attempts: 3 } },
    },
  });
  await put('b.json', '?wait=cdn&waitSeconds=60');

  expect(await run('replications', '--failed')).toMatchObject({
    code: 1,
    answer: {
      replications: [
        { path: 'b.json', status: 'dead-letter', attempts: 3 },
        { path: 'a.json', status: 'dead-letter', attempts: 3 },
      ],
      counts: { 'dead-letter': 2 },
      complete: true,
    },
  });
  expect(await run<HealthAnswer>('status')).toMatchObject({
    code: 1,
    answer: { status: 'degraded', replications: { 'dead-letter': 2 }, well: false },
  });
  expect(await product.get<ReadyAnswer>('/readyz')).toMatchObject({
    ready: true,
    warnings: expect.arrayContaining([expect.objectContaining({ code: 'DEAD_LETTERS' })]),
  });

  clear('a.json');
  expect(await run('replications', 'retry', 'a.json')).toMatchObject({
    code: 0,
    answer: { path: 'a.json', version: 0 },
  });
  const succeeded = async () =>
    (await run<ReplicationList>('replications', '--status', 'success')).answer.replications;
  await waitFor('the first to be replicated', async () => (await succeeded()).length === 2);
  expect(await succeeded()).toMatchObject([
    { path: 'a.json', attempts: 4, verified: true, error: null },
    { path: 'first.json', attempts: 1 },
  ]);

  const once = await product.holdfast('replications', 'retry', 'a.json');
  expect(once).toMatchObject({ code: 1, stderr: expect.stringContaining('NOTHING_TO_RETRY') as unknown });
  expect(await run('replications', 'retry', 'a.json', '--again')).toMatchObject({ code: 0 });
  const ofA = async () =>
    (await run<ReplicationList>('replications', '--path', 'a.json')).answer.replications;
  await waitFor('it to be replicated once more', async () => (await ofA())[0]?.attempts === 5);

  clear('b.json');
  expect(await run<JobAnswer>('replications', 'retry', '--all')).toMatchObject({
    code: 0,
    answer: { kind: 'retry-all', state: 'succeeded', counts: { requested: 1 } },
  });
  await waitFor('all to be well', async () => (await run('status')).code === 0);
  expect((await run('replications')).code).toBe(0);
});

it('a newer version takes the place of a dead letter', async () => {
  jam('c.json');
  await put('c.json', '?wait=cdn&waitSeconds=60');
  expect((await run('replications')).code).toBe(1);
  clear('c.json');
  await run('delete', 'c.json');
  await waitFor('all to be well', async () => (await run('status')).code === 0);
  expect(await run('replications', '--path', 'c.json')).toMatchObject({
    code: 0,
    answer: {
      replications: [
        { version: 1, action: 'delete', status: 'success' },
        { version: 0, action: 'put', status: 'superseded', attempts: 3 },
      ],
    },
  });
});
