import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { QuarantineAnswer, ScanAnswer } from '@holdfast/api/types';
import { type Product, startProduct, waitFor } from '@holdfast/testing';

// Real processes on a machine that may have other work.
jest.setTimeout(120_000);

let product: Product;
beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

const live = (path: string): string => join(product.dataDir, 'content', path);
const object = (path: string): string => join(product.dataDir, 'bucket', path);

async function json<Answer>(...args: string[]): Promise<{ code: number; answer: Answer }> {
  const { code, stdout, stderr } = await product.holdfast(...args, '--json');
  if (stdout === '') throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { code, answer: JSON.parse(stdout) as Answer };
}

it('verifies, mends, keeps what it moved away, and gives it back', async () => {
  const file = join(product.dataDir, 'source.json');
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(file, JSON.stringify({ name }));
    await product.holdfast('publish', file, '--into', `docs/${name}`);
  }
  const path = (name: string): string => `docs/${name}/source.json`;
  await waitFor('the replicas', () => ['a', 'b', 'c'].every((name) => existsSync(object(path(name)))));
  await waitFor('a scan that is clean', async () => (await json('verify', '--full')).code === 0);

  rmSync(live(path('a')));
  writeFileSync(live('docs/stray.json'), '{}');
  writeFileSync(object(path('b')), '{"name":"x"}');
  const looked = await json<ScanAnswer>('verify', '--full');
  expect(looked).toMatchObject({
    code: 1,
    answer: {
      counts: {
        local: { same: 2, missing: 1, orphan: 1, different: 0, unreadable: 0 },
        cdn: { same: 2, missing: 0, orphan: 0, different: 1, unreadable: 0, foreign: 0 },
      },
      findings: [
        { side: 'local', outcome: 'missing', path: path('a') },
        { side: 'cdn', outcome: 'different', path: path('b') },
        { side: 'local', outcome: 'orphan', path: 'docs/stray.json' },
      ],
      repaired: null,
    },
  });
  const repaired = { restored: 1, replicated: 1, quarantined: 1, deleted: 0, notRepaired: 0 };
  expect(await json('verify', '--full', '--repair')).toMatchObject({ code: 0, answer: { repaired } });
  expect(readFileSync(live(path('a')), 'utf8')).toBe('{"name":"a"}');
  expect(readFileSync(object(path('b')), 'utf8')).toBe('{"name":"b"}');
  const clean = await product.holdfast('verify', '--deep');
  expect([clean.code, clean.stdout]).toEqual([0, 'local: same 3\ncdn: same 3\n']);

  const { answer } = await json<QuarantineAnswer>('quarantine', 'list');
  expect(answer.entries).toMatchObject([{ path: 'docs/stray.json', bytes: 2 }]);
  const { code } = await product.holdfast('quarantine', 'restore', answer.entries[0]!.id);
  expect([code, readFileSync(live('docs/stray.json'), 'utf8')]).toEqual([0, '{}']);
  const again = await product.holdfast('quarantine', 'restore', answer.entries[0]!.id);
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('QUARANTINE_ENTRY_NOT_FOUND') as unknown,
  });
});

it('shows what it found where the repair failed, and says so', async () => {
  const empty = await startProduct();
  try {
    const content = join(empty.dataDir, 'content');
    // The API is ready before the projector has reached the log and made the first generation.
    await waitFor('the live directory', () => existsSync(content));
    writeFileSync(join(content, 'stray.json'), '{}');
    const { code, stdout, stderr } = await empty.holdfast('verify', '--full', '--repair');
    expect(code).toBe(1);
    expect(stdout).toContain('stray.json');
    expect(stdout).toContain('local: same 0, orphan 1');
    expect(stderr).toContain('The repair failed. LOG_MISMATCH: Nothing was repaired');
    const { stdout: text } = await empty.holdfast('verify', '--full', '--repair', '--json');
    expect(JSON.parse(text)).toMatchObject({
      findings: [{ side: 'local', outcome: 'orphan', path: 'stray.json' }],
      repaired: null,
      error: { code: 'LOG_MISMATCH' },
    });
  } finally {
    await empty.stop();
  }
});

it('refuses what nobody can mean', async () => {
  for (const wrong of [
    ['--full', '--deep'],
    ['--confirm', '5'],
    ['--repair', '--restore'],
  ]) {
    expect((await product.holdfast('verify', ...wrong)).code).toBe(2);
  }
});
