import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { findBrowser, launchBrowser } from './browser.ts';

/** A browser for the tests of a suite. */
export interface TestBrowser {
  /** A page as of somebody who was never here; closed after the test. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** What pages complained of since the test began: violations of their policy, errors nobody caught. */
  readonly complaints: readonly string[];
}

/**
 * `describe` of what only a real browser shows. Without a Chromium it is skipped and its title says why; where
 * TEST_BROWSER is `required` it fails. TEST_CHROMIUM names another program.
 */
export function describeWithBrowser(title: string, suite: (browser: TestBrowser) => void): void {
  if (findBrowser() !== undefined) {
    describe(title, () => suite(startBrowser()));
  } else if (process.env['TEST_BROWSER'] === 'required') {
    describe(title, () => {
      it('has the browser it needs', () => {
        throw new Error('TEST_BROWSER requires a Chromium, and none is installed. See docs/testing.md.');
      });
    });
  } else {
    describe.skip(`${title} (skipped; no Chromium: install it, or set TEST_CHROMIUM)`, () => {
      suite({ open: () => Promise.reject(new Error('There is no browser.')), complaints: [] });
    });
  }
}

function startBrowser(): TestBrowser {
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    complaints.length = 0;
  });
  afterAll(() => browser.close());
  return {
    complaints,
    open: async (url, options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        // A question that found no server is told by the page itself.
        if (message.type() === 'error' && !message.text().includes('Failed to load resource')) {
          complaints.push(message.text());
        }
      });
      await page.goto(url);
      return page;
    },
  };
}
