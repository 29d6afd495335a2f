import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findBarriers } from '@holdfast/testing/axe';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';

const CLDR = dirname(createRequire(import.meta.url).resolve('cldr-localenames-full/package.json'));
const MANY = 100_000;
const LINES_PER_BATCH = 10_000;
// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(300_000);

/** As the page has it; this program has no types of a browser. */
interface Window {
  getComputedStyle(element: unknown): { readonly direction: string };
}

describeWithBrowser('the content in the console', (browser) => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct();
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
    for (const name of ['languages.json', 'variants.json']) {
      await publish(`cldr/ar/${name}`, readFileSync(join(CLDR, 'main/ar', name), 'utf8'));
    }
  });

  afterAll(() => product.stop());

  // Of every test: the policy of the page is kept, and nothing fails unseen.
  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  async function publish(path: string, body: string): Promise<void> {
    const url = `${product.url}/v1/content/${path.split('/').map(encodeURIComponent).join('/')}?wait=cdn`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'PUT', headers, body });
    expect(answer.ok).toBe(true);
  }

  it('goes down directories by keyboard to a document, and finds by prefix', async () => {
    await publish('plans/ö 1/wörter (neu) @=,.json', '{"a":1}');
    const page = await browser.open(`${product.url}/documents`);
    await page.getByRole('link', { name: 'cldr/' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'ö 1/' }).click();
    await page.getByRole('link', { name: 'wörter (neu) @=,.json' }).click();
    await page.getByRole('heading', { level: 1, name: 'wörter (neu) @=,.json' }).waitFor();
    await page.getByText('"a"').waitFor();
    await page.reload();
    await page.getByText('"a"').waitFor();
    await page.getByRole('link', { name: 'All content' }).click();
    await page.getByLabel('Path begins with').fill('pl');
    await page.getByRole('link', { name: 'cldr/' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'plans/' }).waitFor();
    await page.getByLabel('Path begins with').fill('nothing');
    await page.getByText('No path begins with “nothing”.').waitFor();
  });

  it('shows Arabic from right to left, within lines that go from left to right', async () => {
    const page = await browser.open(`${product.url}/documents/cldr/ar/languages.json`);
    const arabic = page.getByText('"العربية"', { exact: true });
    await arabic.waitFor();
    const directionOf = (element: Locator): Promise<string> =>
      element.evaluate((found) => (globalThis as unknown as Window).getComputedStyle(found).direction);
    expect(await directionOf(arabic)).toBe('rtl');
    expect(await directionOf(arabic.locator('..'))).toBe('ltr');
  });

  it('shows content as text', async () => {
    await publish('units/html.json', '{"html":"<img src=x onerror=alert(1)><b id=bold>b</b>"}');
    const page = await browser.open(`${product.url}/documents/units/html.json`);
    await page.getByText('<b id=bold>').waitFor();
    expect(await page.locator('#bold').count()).toBe(0);
  });

  it('compares any two versions, with signs and words beside the colours', async () => {
    for (const price of ['1.0', '2', '3']) await publish('units/v.json', `{"name":"x","price":${price}}`);
    const page = await browser.open(`${product.url}/documents/units/v.json`);
    await page.getByRole('tab', { name: 'Compare' }).click();
    await page.getByRole('row', { name: /removed.*"price": 2/ }).waitFor();
    await page.getByRole('row', { name: /added.*"price": 3/ }).waitFor();
    await page.goto(`${product.url}/documents/units/v.json?view=compare&from=0&to=2`);
    await page.getByRole('row', { name: /removed.*"price": 1\.0/ }).waitFor();
    await page.getByText('1 line added, 1 removed').waitFor();
  });

  it('replicates a document again, and shows it in its life', async () => {
    await publish('units/again.json', '1');
    const page = await browser.open(`${product.url}/documents/units/again.json?view=life`);
    await page.getByText('Reached the bucket').waitFor();
    await page.getByRole('button', { name: 'Replicate again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replicate again' }).click();
    await page.getByText('Asked for again').waitFor();
    await waitFor(
      'the second success',
      async () => (await page.getByText('Reached the bucket').count()) === 2,
    );
  });

  it('deletes a document after saying what follows, and still shows its versions', async () => {
    await publish('units/gone.json', '{"kept":"in the log"}');
    const page = await browser.open(`${product.url}/documents/units/gone.json`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByText('readers that are sent here get 410').waitFor();
    await page.getByLabel('Reason').fill('of no use');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('This document was deleted').waitFor();
    await page.getByText('"in the log"').waitFor();
    await page.getByRole('tab', { name: 'Life' }).click();
    await page.getByText('of no use').waitFor();
    expect((await fetch(`${product.url}/content/units/gone.json`)).status).toBe(410);
  });

  it('deletes a directory once its name was typed, and says when that is done', async () => {
    for (const name of ['1', '2', '3']) await publish(`old/${name}.json`, name);
    const page = await browser.open(`${product.url}/documents?prefix=old/`);
    await page.getByRole('button', { name: 'Delete this directory…' }).click();
    await page.getByText('3 documents (').waitFor();
    const confirm = page.getByRole('button', { name: 'Delete', exact: true });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel('Type old/ to confirm').fill('old/');
    await confirm.click();
    await page.getByText('Everything that was there is deleted.').waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).last().click();
    await page.getByText('No path begins with “old/”.').waitFor();
  });

  it.each([
    ['/documents', 'cldr/'],
    ['/documents/cldr/ar/variants.json', '"main"'],
    ['/documents/units/v.json?view=versions', 'Compare with the one before'],
    ['/documents/units/v.json?view=compare', '1 line added, 1 removed'],
    ['/documents/units/v.json?view=life', 'Reached the bucket'],
    ['/documents/units/gone.json', 'This document was deleted'],
  ])('is usable by everybody: %s', async (path, shown) => {
    const page = await browser.open(`${product.url}${path}`);
    await page.getByText(shown).first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });
});

describeWithBrowser('a directory of very many documents in the console', (browser) => {
  let product: Product;

  beforeAll(async () => {
    // Nothing is written but the log: what is looked at is the page and what the API tells it.
    product = await startProduct({ env: { HOLDFAST_PROJECTORS: 'cdn' } });
    await product.holdfast('mode', 'set', '--cdn', 'off', '--reason', 'no file is to be sent');
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
    await publishMany();
  });

  afterAll(() => product.stop());

  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  async function publishMany(): Promise<void> {
    for (let from = 0; from < MANY; from += LINES_PER_BATCH) {
      const lines = Array.from({ length: LINES_PER_BATCH }, (_, index) =>
        JSON.stringify({ put: nameOf(from + index), body: { number: from + index } }),
      );
      const answer = await fetch(`${product.url}/v1/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: lines.join('\n'),
      });
      const results = (await answer.text()).trimEnd().split('\n');
      expect(JSON.parse(results.at(-1)!)).toMatchObject({ done: true, failed: 0 });
    }
  }

  const nameOf = (number: number): string => `many/${String(number).padStart(6, '0')}.json`;
  const nodesOf = (page: Page): Promise<number> =>
    page.evaluate<number>('document.getElementsByTagName("*").length');

  it(`scrolls through ${MANY} documents in one directory, and keeps few of them in the page`, async () => {
    const page = await browser.open(`${product.url}/documents?prefix=many/`);
    await page.getByText('100,000 documents published').waitFor();
    await page.getByRole('link', { name: '000000.json' }).waitFor();
    let most = 0;
    const last = page.getByRole('link', { name: '099999.json' });
    const until = Date.now() + 180_000;
    while ((await last.count()) === 0) {
      expect(Date.now()).toBeLessThan(until);
      await page.keyboard.press('End');
      most = Math.max(most, await nodesOf(page));
    }
    expect(most).toBeLessThan(2_000);
    await page.getByLabel('Path begins with').fill('many/05000');
    await page.getByRole('link', { name: '050007.json' }).waitFor();
    await waitFor(
      'no others',
      async () => (await page.getByRole('link', { name: /^\d{6}\.json$/ }).count()) === 10,
    );
  });
});
