import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { ALERT_CODES } from '@holdfast/domain';

it('docs/runbook.md says of each alert what it means, what to look at and what to do', () => {
  const text = readFileSync(new URL('../../../../docs/runbook.md', import.meta.url), 'utf8');
  const sections = [...text.matchAll(/^### ([A-Z_]+)\n\n([^]*?)(?=^##)/gm)];
  expect(sections.map(([, code]) => code).sort()).toEqual([...ALERT_CODES].sort());
  for (const [, , section] of sections) expect(section).toMatch(/^Do: |\. Do: /m);
});
