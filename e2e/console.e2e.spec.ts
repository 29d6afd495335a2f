import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';
import type { Page } from 'playwright-core';

const CDN = 'https://cdn.example/content';
const PAGES = { '/': 'Overview', '/mode': 'Mode', '/alerts': 'Alerts' };
// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(120_000);

describeWithBrowser('the console', (browser) => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct({ env: { HOLDFAST_CDN_BASE_URL: CDN } });
    // `npm start` builds the console where it is not built yet.
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
    await publish('units/first.json');
  });

  afterAll(() => product.stop());

  // Of every test: the policy of the page is kept, and nothing fails unseen.
  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  const publish = async (path: string): Promise<void> => {
    const answer = await fetch(`${product.url}/v1/content/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path }),
    });
    expect(answer.status).toBe(201);
  };

  const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

  it('shows a publish as it happens', async () => {
    const page = await browser.open(product.url);
    await isLive(page);
    await publish('units/seen.json');
    await page.getByText('units/seen.json').first().waitFor({ timeout: 5_000 });
    await page.getByText('All is well').waitFor();
  });

  it('shows its first page within a second', async () => {
    const page = await browser.open(product.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const paints = await page.evaluate<{ name: string; startTime: number }[]>(
      "performance.getEntriesByType('paint').map(({ name, startTime }) => ({ name, startTime }))",
    );
    const first = paints.find(({ name }) => name === 'first-contentful-paint');
    expect(first?.startTime).toBeLessThan(1_000);
  });

  it('says when the server is gone, and goes on by itself when it is back', async () => {
    const page = await browser.open(product.url);
    await isLive(page);
    process.kill(product.children().api ?? 0, 'SIGKILL');
    await page.getByText('No connection to the server since').waitFor();
    await page.getByText('The connection is back').waitFor();
    await publish('units/after.json');
    await page.getByText('units/after.json').first().waitFor({ timeout: 5_000 });
  });

  it.each(Object.entries(PAGES))('is usable by everybody: %s', async (path, heading) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.open(`${product.url}${path}`, { colorScheme, reducedMotion: 'reduce' });
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await isLive(page);
      await page.waitForLoadState('load');
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => ({
        id,
        nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
      }));
      expect({ colorScheme, found }).toEqual({ colorScheme, found: [] });
    }
  });
});
