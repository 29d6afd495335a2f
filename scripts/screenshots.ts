// `npm run screenshots [-- <folder>]`: pictures of the console over real data, for the README and for whoever changes a page. Needs a Chromium.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { launchBrowser } from '@holdfast/testing/browser';

const SOURCE = dirname(createRequire(import.meta.url).resolve('cldr-localenames-full/package.json'));
const PAGES = {
  overview: '/',
  mode: '/mode',
  content: '/documents?prefix=cldr/main/ar',
  document: '/documents/cldr/main/ar/languages.json',
  replications: '/replications',
  'dead-letters': '/replications?status=dead-letter',
  drift: '/drift?prefix=cldr/main/',
  alerts: '/alerts',
};
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true },
} as const;

const folder = process.argv[2] ?? 'docs/images';
const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-screenshots-'));
const product = await startProduct({
  dataDir,
  env: {
    HOLDFAST_CDN_BASE_URL: 'https://cdn.example.org/content',
    HOLDFAST_LOCAL_BASE_URL: 'https://web-1.example.org/content',
    HOLDFAST_NODE: 'web-1',
    HOLDFAST_RETRY_SCHEDULE: '100ms,100ms',
    HOLDFAST_LOG_LEVEL: 'silent',
  },
});
try {
  await makeHistory(product);
  await takePictures(product);
} finally {
  await product.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** A tree that people wrote, an operator who did something, and things that went wrong. */
async function makeHistory(running: Product): Promise<void> {
  const { url } = running;
  const run = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await running.holdfast(...args);
    if (code > 1) throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${stderr}`);
  };
  await run('publish', SOURCE, '--into', 'cldr');
  const put = (path: string, body: unknown): Promise<Response> =>
    fetch(`${url}/v1/content/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await waitFor('the replica', async () => {
    const health = (await (await fetch(`${url}/v1/health`)).json()) as { replications: { queued: number } };
    return health.replications.queued === 0;
  });
  for (const version of [1, 2, 3]) {
    await put('units/u1.json', {
      id: 'u1',
      title: `Unit, edition ${version}`,
      next: 'content:lessons/l1.json',
    });
  }
  await run('mode', 'set', '--fallback', 'on', '--reason', 'the CDN answers 500 in Europe');
  await run('mode', 'set', '--fallback', 'off', '--reason', 'the CDN is well again');
  // A directory in the place of an object: the bucket can never take it.
  mkdirSync(join(dataDir, 'bucket/lessons/l1.json/in-the-way'), { recursive: true });
  await put('lessons/l1.json', { id: 'l1', title: 'درس في الجبر' });
  const live = join(dataDir, 'content/cldr/main');
  const [first, second, third] = ['ar', 'de', 'fr'] as const;
  rmSync(join(live, first, 'scripts.json'));
  writeFileSync(join(live, second, 'variants.json'), '{"somebody":"was here"}');
  for (const [language, strays] of Object.entries({ [first]: 4, [second]: 9, [third]: 2, he: 1 })) {
    for (let stray = 1; stray <= strays; stray += 1) {
      writeFileSync(join(live, language, `copy-${stray}.json`), '{}');
    }
  }
  rmSync(join(dataDir, 'bucket/cldr/main/he/languages.json'));
  await waitFor('the dead letter', async () => {
    const answer = await fetch(`${url}/v1/replications?status=dead-letter`);
    return ((await answer.json()) as { replications: unknown[] }).replications.length > 0;
  });
  await run('verify', '--full');
}

async function takePictures({ url }: Product): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await waitFor('the console', async () => (await fetch(url)).status === 200, 120_000);
  const browser = await launchBrowser();
  try {
    for (const [look, options] of Object.entries(LOOKS)) {
      const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(`${url}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForTimeout(2_500);
        await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
      }
      await context.close();
    }
  } finally {
    await browser.close();
  }
  console.log(execFileSync('ls', ['-l', folder]).toString());
}
