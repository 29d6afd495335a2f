import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findAxeViolations, findBarriers } from '@holdfast/testing/axe';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';
import type { Page } from 'playwright-core';

const CDN = 'https://cdn.example/content';
const ALL_PAGES = [
  '/',
  '/mode',
  '/alerts',
  '/documents',
  '/documents/units/first.json',
  '/replications',
  '/drift',
];
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

  it('shows a publish as it happens, and what happened before it was opened', async () => {
    const page = await browser.open(product.url);
    await isLive(page);
    await page.getByText('units/first.json').first().waitFor();
    await publish('units/seen.json');
    await page.getByText('units/seen.json').first().waitFor();
    await page.getByText('All is well').waitFor();
  });

  it('needs few files and bytes before it can show anything', async () => {
    const page = await browser.open(product.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const needed = await page.evaluate<{ files: number; bytes: number }>(
      `(() => {
        const [document] = performance.getEntriesByType('navigation');
        // Its script runs right before that, and asks for everything else.
        const loads = [document, ...performance.getEntriesByType('resource')]
          .filter(({ responseEnd }) => responseEnd > 0 && responseEnd <= document.domContentLoadedEventStart);
        const bytes = loads.reduce((sum, { transferSize }) => sum + transferSize, 0);
        return { files: loads.length, bytes };
      })()`,
    );
    expect(needed.files).toBeGreaterThan(2);
    expect(needed.files).toBeLessThan(10);
    expect(needed.bytes).toBeLessThan(300_000);
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
    await isWhole(page);
    process.kill(product.children().api ?? 0, 'SIGKILL');
    await page.getByText('No connection to the server since').waitFor();
    await page.getByText('The connection is back').waitFor();
    // It reads the log first.
    await waitFor('readiness', async () => (await fetch(`${product.url}/readyz`)).ok);
    await publish('units/after.json');
    await page.getByText('units/after.json').first().waitFor();
  });

  it('loads itself again when a part of it could not be loaded', async () => {
    const page = await browser.open('about:blank');
    let loads = 0;
    await page.route('**/assets/live-charts*.js', (route) => (loads < 2 ? route.abort() : route.continue()));
    page.on('request', (request) => {
      if (request.isNavigationRequest()) loads += 1;
    });
    await page.goto(product.url);
    await page.getByRole('img', { name: /^Published a second/ }).waitFor();
    expect(loads).toBe(2);
  });

  it('goes to every page while the server is away, and says what could not be loaded', async () => {
    const page = await browser.open(product.url);
    await isLive(page);
    await isWhole(page);
    await page.context().setOffline(true);
    for (const name of ['Mode', 'Content', 'Drift', 'Replication']) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }
    await page.getByText('Could not load Replication').waitFor();
  });

  it.each(ALL_PAGES)('says what was not answered, and waits for nothing more: %s', async (path) => {
    const page = await browser.open('about:blank');
    await page.route(/\/v1\/(?!live|session)/, (route) =>
      route.fulfill({
        status: 500,
        contentType: 'application/problem+json',
        body: JSON.stringify({ title: 'Broken', detail: 'It is broken.', status: 500, code: 'INTERNAL' }),
      }),
    );
    await page.goto(`${product.url}${path}`);
    await page.getByRole('alert').filter({ hasText: 'It is broken.' }).first().waitFor();
    await waitFor(
      'nothing that is waited for',
      async () => (await page.locator('main .mantine-Skeleton-root').count()) === 0,
      5_000,
    );
  });

  it.each(ALL_PAGES)('shows where the keyboard is, from the head to the end: %s', async (path) => {
    const page = await browser.open(`${product.url}${path}`, { reducedMotion: 'reduce' });
    await isLive(page);
    await page.waitForLoadState('load');
    const passed: Focus[] = [];
    for (let focus = await nextFocus(page); focus !== null; focus = await nextFocus(page)) {
      passed.push(focus);
    }
    expect(passed[0]).toMatchObject({ name: 'Skip to the content' });
    expect(passed.filter(({ place }) => place === 'main')).not.toEqual([]);
    expect(passed.filter(({ isOutlined, isInView }) => !isOutlined || !isInView)).toEqual([]);
    // The head, the pages, what is on the page: nothing goes back.
    const places = passed.map(({ place }) => place);
    expect(places).toEqual(places.toSorted((one, other) => PLACES.indexOf(one) - PLACES.indexOf(other)));
  });

  it.each(Object.entries(PAGES))('is usable by everybody: %s', async (path, heading) => {
    const page = await browser.open(`${product.url}${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await isLive(page);
    await page.waitForLoadState('load');
    expect(await findBarriers(page)).toEqual([]);
  });
});

/** What is loaded after the first page, and before somebody goes there, is there. */
const isWhole = (page: Page): Promise<void> =>
  waitFor('all parts', async () => {
    const loaded = await page.evaluate<string>(
      "performance.getEntriesByType('resource').map(({ name }) => name).join(' ')",
    );
    return ['live-charts', 'mode', 'content', 'document', 'replications', 'drift', 'alerts'].every((name) =>
      new RegExp(`/${name}-\\S*\\.js`).test(loaded),
    );
  });

const PLACES = ['header', 'nav', 'main'];

interface Focus {
  readonly name: string;
  readonly place: string;
  readonly isOutlined: boolean;
  readonly isInView: boolean;
}

/** Goes on by one press of Tab; null: there is nothing more. */
async function nextFocus(page: Page): Promise<Focus | null> {
  await page.keyboard.press('Tab');
  // Looked at when it was painted.
  return await page.evaluate<Focus | null>(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const element = document.activeElement;
    if (element === null || element === document.body || element.dataset.passed) return resolve(null);
    element.dataset.passed = 'true';
    // Of some controls the label is what one sees.
    const isSeen = element.offsetWidth > 1 && getComputedStyle(element).opacity !== '0';
    const seen = isSeen ? element : element.nextElementSibling;
    const { outlineStyle, outlineWidth } = getComputedStyle(seen);
    const { top, bottom } = seen.getBoundingClientRect();
    resolve({
      name: (element.getAttribute('aria-label') ?? element.textContent).trim(),
      place: element.closest('header, nav, main').localName,
      isOutlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
      isInView: bottom > 0 && top < innerHeight,
    });
  })))`);
}
