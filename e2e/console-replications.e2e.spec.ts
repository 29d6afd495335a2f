import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findAxeViolations, findBarriers } from '@holdfast/testing/axe';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';

// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(180_000);

describeWithBrowser('replication in the console', (browser) => {
  let product: Product;
  /** Directories in the place of objects, which the bucket can never take. */
  const obstacle = (path: string): string => join(product.dataDir, 'bucket', path);

  beforeAll(async () => {
    product = await startProduct({ env: { HOLDFAST_RETRY_SCHEDULE: '100ms,100ms' } });
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
    await publish('units/fine.json');
    for (const path of ['units/u1.json', 'units/u2.json', 'lessons/درس.json']) {
      mkdirSync(join(obstacle(path), 'in-the-way'), { recursive: true });
      await publish(path);
    }
    await waitFor('the dead letters', async () => (await counts())['dead-letter'] === 3);
  });

  afterAll(() => product.stop());

  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  const publish = async (path: string): Promise<void> => {
    const answer = await fetch(`${product.url}/v1/content/${encodeURI(path)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path }),
    });
    expect(answer.status).toBe(201);
  };

  const counts = async (): Promise<Record<string, number>> =>
    (await product.get<{ counts: Record<string, number> }>('/v1/replications')).counts;

  it('FR-017 shows why documents were given up, and retries one: it becomes green', async () => {
    const page = await browser.open(`${product.url}/replications?status=dead-letter`);
    const row = (path: string) => page.getByRole('row', { name: path });
    await row('units/u1.json').getByText('given up').waitFor();
    expect(await page.getByText('units/fine.json').count()).toBe(0);
    await page.getByRole('button', { name: 'Show details of units/u1.json, version 0' }).click();
    await page.getByText('SHA-256 in the bucket').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    rmSync(obstacle('units/u1.json'), { recursive: true });
    await page.getByRole('checkbox', { name: 'Select units/u1.json, version 0' }).check();
    await page.getByRole('button', { name: 'Retry selected (1)' }).click();
    await page.getByText('1 document gets another round of attempts.').waitFor();
    await page.goto(`${product.url}/replications?prefix=units/`);
    await row('units/u1.json').getByText('replicated').waitFor();
    await row('units/u2.json').getByText('given up').waitFor();
  });

  it('retries all that failed, after asking, with progress', async () => {
    for (const path of ['units/u2.json', 'lessons/درس.json']) rmSync(obstacle(path), { recursive: true });
    const page = await browser.open(`${product.url}/replications`);
    await page.getByRole('button', { name: 'Retry all (2)…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Is the cause mended?').waitFor();
    await dialog.getByRole('button', { name: 'Retry all', exact: true }).click();
    await page.getByText(/^Done\./).waitFor();
    await waitFor('everything to be replicated', async () => (await counts())['success'] === 4);
    await page.getByRole('row', { name: 'lessons/درس.json' }).getByText('replicated').waitFor();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: 'Retry all' }).isDisabled()).toBe(true);
  });

  it('keeps its filters in the address, and fits a phone', async () => {
    const page = await browser.open(product.url, { viewport: { width: 360, height: 740 } });
    await page.goto(`${product.url}/replications?status=success&since=hour&prefix=lessons/`);
    await page.getByRole('row', { name: 'lessons/درس.json' }).waitFor();
    await page.getByRole('textbox', { name: 'Path begins with' }).fill('nothing/');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No version fits these filters.').waitFor();
    expect(new URL(page.url()).searchParams.get('prefix')).toBe('nothing/');
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await findAxeViolations(page)).toEqual([]);
  });
});
