import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';
import type { Page } from 'playwright-core';

// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(180_000);

describeWithBrowser('drift in the console', (browser) => {
  let product: Product;

  beforeAll(async () => {
    product = await startProduct();
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
    const lines = Array.from({ length: 60 }, (_, index) =>
      JSON.stringify({ put: `units/${index % 3}/u${index}.json`, text: `{"id":"u${index}"}` }),
    );
    await fetch(`${product.url}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `${lines.join('\n')}\n`,
    });
    await waitFor('the replica', async () => {
      const { replications } = await product.get<{ replications: Record<string, number> }>('/v1/health');
      return replications['success'] === 60;
    });
  });

  afterAll(() => product.stop());

  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  const live = (path: string): string => join(product.dataDir, 'content', path);
  const object = (key: string): string => join(product.dataDir, 'bucket', key);

  function plant(file: string, text: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  async function scan(page: Page): Promise<void> {
    await page.getByRole('radio', { name: 'Full' }).check({ force: true });
    await page.getByRole('button', { name: 'Start the scan' }).click();
    await page.getByText(/^Done\./).waitFor();
  }

  it('finds what was planted on disk and in the bucket, shows it, and mends it', async () => {
    rmSync(live('units/0/u0.json'));
    writeFileSync(live('units/1/u1.json'), '{"id":"somebody else"}');
    plant(live('units/stray.json'), '{"stray":true}');
    rmSync(object('units/2/u2.json'));
    const page = await browser.open(`${product.url}/drift`);
    await scan(page);
    const finding = (path: string) => page.getByRole('row', { name: path });
    await finding('units/0/u0.json').getByText('missing').waitFor();
    await finding('units/1/u1.json').getByText('different').waitFor();
    await finding('units/stray.json').getByText('orphan').waitFor();
    await finding('units/2/u2.json').getByText('missing').waitFor();
    await page.getByRole('img', { name: 'units/0/: missing 1' }).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const found = await findAxeViolations(page);
      expect({ colorScheme, found }).toEqual({ colorScheme, found: [] });
    }

    await page.getByRole('button', { name: 'Repair…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 local files are restored from the log').waitFor();
    await dialog.getByText('1 object is replicated again from the local files').waitFor();
    await dialog.getByRole('checkbox', { name: 'Remove orphans too' }).check();
    await dialog.getByRole('textbox').fill('2');
    await dialog.getByRole('button', { name: 'Repair', exact: true }).click();
    await dialog.getByText('It is not 1.').waitFor();
    expect(await findAxeViolations(page)).toEqual([]);
    await dialog.getByRole('textbox').fill('1');
    await dialog.getByRole('button', { name: 'Repair', exact: true }).click();
    await waitFor(
      'the repair',
      () => existsSync(live('units/0/u0.json')) && !existsSync(live('units/stray.json')),
    );
    await waitFor('the end of it', () => page.getByText(/^Done\..*quarantined/).isVisible());
    expect(readFileSync(live('units/0/u0.json'), 'utf8')).toBe('{"id":"u0"}');
    expect(readFileSync(live('units/1/u1.json'), 'utf8')).toBe('{"id":"u1"}');
    expect(existsSync(live('units/stray.json'))).toBe(false);
    await waitFor('the object', () => existsSync(object('units/2/u2.json')));

    await page.reload();
    await scan(page);
    await page.getByText('Nothing differs.').waitFor();
  });

  it('shows what lies in quarantine, and brings it back', async () => {
    const page = await browser.open(`${product.url}/drift`);
    await page.getByRole('button', { name: 'Restore units/stray.json' }).click();
    await page.getByText(/^Done\./).waitFor();
    await page.getByText('Nothing lies in quarantine.').waitFor();
    expect(readFileSync(live('units/stray.json'), 'utf8')).toBe('{"stray":true}');
  });

  it('fits a phone', async () => {
    const page = await browser.open(`${product.url}/drift`, { viewport: { width: 360, height: 740 } });
    await page.getByRole('heading', { name: 'Last scans' }).waitFor();
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    expect(await findAxeViolations(page)).toEqual([]);
  });
});

/** What would keep somebody from using the page. */
async function findAxeViolations(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}
