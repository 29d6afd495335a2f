import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findAxeViolations, findBarriers } from '@holdfast/testing/axe';
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
    await page.getByText('units/seen.json').first().waitFor();
    await page.getByText('All is well').waitFor();
  });

  it('shows its first page within a second', async () => {
    const page = await browser.open(product.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const firstPaint = await page.evaluate<number>(
      `new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const paint = list.getEntriesByName('first-contentful-paint')[0];
          if (paint) resolve(paint.startTime);
        }).observe({ type: 'paint', buffered: true });
      })`,
    );
    expect(firstPaint).toBeLessThan(1_000);
  });

  it('switches the mode with a reason, and every other page knows within a second', async () => {
    const other = await browser.open(product.url);
    await isLive(other);
    const page = await browser.open(`${product.url}/mode`);
    await isLive(page);
    await page.getByRole('radio', { name: /keep replicating/ }).check();
    await page.getByRole('button', { name: 'Switch…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(`${CDN}/units/first.json`).waitFor();
    await dialog.getByText(`${product.url}/content/units/first.json`).waitFor();
    expect(await findAxeViolations(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Switch', exact: true }).click();
    await dialog.getByText('Say why').waitFor();
    await dialog.getByRole('textbox').fill('a drill');
    await dialog.getByRole('button', { name: 'Switch', exact: true }).click();
    const acknowledged = page.getByText('The mode is changed everywhere.').waitFor();
    const seen = other.getByText('a drill').waitFor();
    await acknowledged;
    const acknowledgedAt = performance.now();
    await seen;
    expect(performance.now() - acknowledgedAt).toBeLessThan(1_000);
    expect(await product.get('/v1/mode')).toMatchObject({
      localFallback: true,
      lastChange: { reason: 'a drill' },
    });
    await page.getByRole('row', { name: /a drill/ }).waitFor();
  });

  it('says when the server is gone, and goes on by itself when it is back', async () => {
    const page = await browser.open(product.url);
    await isLive(page);
    process.kill(product.children().api ?? 0, 'SIGKILL');
    await page.getByText('No connection to the server since').waitFor();
    await page.getByText('The connection is back').waitFor();
    // It reads the log first.
    await waitFor('readiness', async () => (await fetch(`${product.url}/readyz`)).ok);
    await publish('units/after.json');
    await page.getByText('units/after.json').first().waitFor();
  });

  it.each(Object.entries(PAGES))('is usable by everybody: %s', async (path, heading) => {
    const page = await browser.open(`${product.url}${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await isLive(page);
    await page.waitForLoadState('load');
    expect(await findBarriers(page)).toEqual([]);
  });
});
