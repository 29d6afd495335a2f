import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What would keep somebody from using the page as it stands. */
export async function findAxeViolations(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}
