import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { createToken, formatTokenLine, hashToken } from '@holdfast/settings';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { findAxeViolations } from '@holdfast/testing/axe';
import { describeWithBrowser } from '@holdfast/testing/browser-suite';

// Real processes and a real browser, on a machine that may have other work.
jest.setTimeout(120_000);

describeWithBrowser('signing in to the console', (browser) => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-sign-in-'));
  const [viewer, operator] = [createToken(), createToken()];
  let product: Product;

  beforeAll(async () => {
    const file = join(directory, 'tokens');
    const lines = [
      formatTokenLine({ name: 'dashboard', role: 'viewer', sha256: hashToken(viewer) }),
      formatTokenLine({ name: 'anna', role: 'operator', sha256: hashToken(operator) }),
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    product = await startProduct({ env: { HOLDFAST_TOKENS_FILE: file } });
    await waitFor('the console', async () => (await fetch(product.url)).status === 200);
  });

  afterAll(async () => {
    await product.stop();
    rmSync(directory, { recursive: true });
  });

  afterEach(() => {
    expect(browser.complaints).toEqual([]);
  });

  it('takes a token and no other, and shows a viewer what only operators may do', async () => {
    const page = await browser.open(product.url);
    const field = page.locator('input[type=password]');
    await field.fill(createToken());
    expect(await findAxeViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server did not take that token.').waitFor();
    await field.fill(viewer);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Drift' }).first().click();
    await page.getByText('Your token may look; only an operator’s may change this.').waitFor();
    expect(await page.getByRole('button', { name: 'Start the scan' }).isDisabled()).toBe(true);
  });

  it('lets an operator command under a name of their own, for as long as the tab is open', async () => {
    const page = await browser.open(product.url);
    await page.locator('input[type=password]').fill(operator);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Drift' }).first().click();
    await page.getByRole('button', { name: 'Start the scan' }).click();
    await page.getByText(/^Done\./).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Start the scan' }).waitFor();
    const headers = { authorization: `Bearer ${viewer}` };
    const answer = await fetch(`${product.url}/v1/jobs`, { headers });
    expect(await answer.json()).toMatchObject({ jobs: [{ kind: 'scan', requestedBy: 'anna' }] });
    const other = await browser.open(product.url);
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
