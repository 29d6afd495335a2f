import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findAxeViolations, findBarriers } from '@holdfast/testing/axe';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';
import type { Page } from 'playwright-core';

// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(180_000);

const STRAYS = 5_000;

describeWithBrowser('drift in the console', (browser) => {
  let product: Product;
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-console-drift-'));

  beforeAll(async () => {
    // What another node found is known here by the log alone.
    product = await startProduct({ dataDir, env: { HOLDFAST_NODE: 'web-2' } });
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
    for (let index = 0; index < STRAYS; index += 1) {
      plant(live(`strays/${index % 20}/s${String(index).padStart(4, '0')}.json`), '{}');
    }
    expect((await product.holdfast('verify', '--full')).code).toBe(1);
    rmSync(live('strays'), { recursive: true });
    await product.stop();
    rmSync(join(dataDir, 'scans'), { recursive: true });
    product = await startProduct({ dataDir, env: { HOLDFAST_NODE: 'web-1' } });
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
  });

  afterAll(async () => {
    await product.stop();
    rmSync(dataDir, { recursive: true });
  });

  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  const live = (path: string): string => join(dataDir, 'content', path);
  const object = (key: string): string => join(dataDir, 'bucket', key);

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
    await page.getByRole('link', { name: 'units/ missing 2, different 1, orphan 1' }).waitFor();
    expect(await findBarriers(page)).toEqual([]);

    await page.getByRole('button', { name: 'Repair…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 local files are restored from the log').waitFor();
    await dialog.getByText('1 object is replicated again from the local files').waitFor();
    await dialog.getByRole('checkbox', { name: 'Remove orphans too' }).check();
    // One is no more than a repair takes by itself.
    expect(await dialog.getByRole('textbox').count()).toBe(0);
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

  it(`shows every one of ${STRAYS} findings of another node, and keeps few of them in the page`, async () => {
    const page = await browser.open(`${product.url}/drift`);
    const scans = page.getByRole('table', { name: 'Last scans' });
    await scans.getByRole('row', { name: 'web-2' }).getByRole('link', { name: 'Full' }).click();
    await page.getByRole('heading', { name: '5,000 findings', exact: true }).waitFor();
    const list = page.getByRole('region', { name: 'Findings' });
    await list.getByText('strays/0/s0000.json').waitFor();
    await list.focus();
    let most = 0;
    await waitFor('the last one', async () => {
      await page.keyboard.press('End');
      most = Math.max(most, await page.evaluate<number>('document.getElementsByTagName("*").length'));
      return await list.getByText('strays/9/s4989.json').isVisible();
    });
    expect(most).toBeLessThan(2_000);
    expect(await list.getByRole('row').last().getAttribute('aria-rowindex')).toBe(String(STRAYS + 1));
  });

  it('shows some of the findings: by side, outcome and directory, as the address says', async () => {
    plant(live('strays/a/b/1.json'), '{}');
    plant(live('strays/a/2.json'), '{}');
    rmSync(live('units/0/u3.json'));
    rmSync(object('units/1/u4.json'));
    const page = await browser.open(`${product.url}/drift`);
    const list = page.getByRole('region', { name: 'Findings' });
    await scan(page);
    await page.getByRole('heading', { name: '4 findings', exact: true }).waitFor();
    await page.getByRole('link', { name: 'strays/ orphan 2' }).click();
    await page.getByRole('heading', { name: '2 of 4 findings' }).waitFor();
    await page.getByRole('link', { name: 'a/ orphan 2', exact: true }).click();
    await page.getByRole('link', { name: 'b/ orphan 1', exact: true }).click();
    await page.getByRole('heading', { name: '1 of 4 findings' }).waitFor();
    await list.getByText('strays/a/b/1.json').waitFor();
    expect(await list.getByText('strays/a/2.json').count()).toBe(0);
    expect(new URL(page.url()).searchParams.get('prefix')).toBe('strays/a/b/');
    // The link that was followed is gone; the keyboard stays where it was.
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('1 of 4 findings');
    await page.getByRole('link', { name: 'All directories' }).click();
    await page.getByRole('combobox', { name: 'Where' }).click();
    await page.getByRole('option', { name: 'Bucket' }).click();
    await page.getByRole('heading', { name: '1 of 4 findings' }).waitFor();
    await list.getByRole('link', { name: 'units/1/u4.json' }).waitFor();
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'orphan' }).click();
    await page.getByText('No finding fits these filters.').waitFor();
    await page.goto(`${product.url}/drift?outcome=missing&side=local&prefix=un`);
    await list.getByText('units/0/u3.json').waitFor();
    await page.getByRole('heading', { name: '1 of 4 findings' }).waitFor();
    expect(await findAxeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('heading', { name: '4 findings', exact: true }).waitFor();
  });

  it('shows what lies in quarantine, and brings it back', async () => {
    const page = await browser.open(`${product.url}/drift`);
    await page.getByRole('button', { name: 'Restore units/stray.json' }).click();
    await page.getByText(/^Done\./).waitFor();
    await page.getByText('Nothing lies in quarantine.').waitFor();
    expect(readFileSync(live('units/stray.json'), 'utf8')).toBe('{"stray":true}');
  });

  it('asks the node that made a scan to mend what it found, and for the number where many are to go', async () => {
    const page = await browser.open(`${product.url}/drift`);
    const scans = page.getByRole('table', { name: 'Last scans' });
    await scans.getByRole('row', { name: 'web-2' }).getByRole('link', { name: 'Full' }).click();
    await page.getByRole('button', { name: 'Repair…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('web-2 makes a full scan').waitFor();
    await dialog.getByRole('checkbox', { name: 'Remove orphans too' }).check();
    await dialog.getByRole('textbox').fill('2');
    await dialog.getByRole('button', { name: 'Repair', exact: true }).click();
    await dialog.getByText('It is not 5000.').waitFor();
    expect(await findAxeViolations(page)).toEqual([]);
    await dialog.getByRole('textbox').fill('5000');
    await dialog.getByRole('button', { name: 'Repair', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    const { jobs } = await product.get<{ jobs: unknown[] }>('/v1/jobs');
    expect(jobs[0]).toMatchObject({
      kind: 'scan',
      node: 'web-2',
      parameters: { repair: 'all', confirmedOrphans: STRAYS },
    });
  });

  it('fits a phone', async () => {
    const page = await browser.open(`${product.url}/drift`, { viewport: { width: 360, height: 740 } });
    await page.getByRole('region', { name: 'Findings' }).getByRole('row').first().waitFor();
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    expect(await findAxeViolations(page)).toEqual([]);
  });
});
