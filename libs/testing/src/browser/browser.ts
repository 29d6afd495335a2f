import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Half a second for each press of a key.
  '--disable-smooth-scrolling',
];

/** The Chromium of this machine; TEST_CHROMIUM names another one. Undefined where there is none. */
export const findBrowser = (): string | undefined =>
  [process.env['TEST_CHROMIUM'] ?? '', ...PROGRAMS].find((path) => existsSync(path));

/** @throws where there is none */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error('There is no Chromium. See docs/testing.md.');
  return await chromium.launch({ executablePath, args: FLAGS });
}
