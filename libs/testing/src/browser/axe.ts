import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What would keep somebody from using the page as it stands. */
export async function findAxeViolations(page: Page): Promise<unknown[]> {
  // Without legacy mode axe opens a second page for what it found in frames, of which there are none.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}

const PHONE = { width: 390, height: 844 };

/** The same in the light theme, the dark one, and on a phone, where nothing may need to be scrolled sideways. */
export async function findBarriers(page: Page): Promise<unknown[]> {
  const barriers: unknown[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    barriers.push(...(await findAxeViolations(page)).map((violation) => ({ colorScheme, violation })));
  }
  const before = page.viewportSize();
  await page.setViewportSize(PHONE);
  barriers.push(...(await findAxeViolations(page)).map((violation) => ({ on: 'a phone', violation })));
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  if (width > PHONE.width) barriers.push({ on: 'a phone', width });
  if (before !== null) await page.setViewportSize(before);
  return barriers;
}
