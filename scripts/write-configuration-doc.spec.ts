import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { CONFIGURATION_DOC, writeConfigurationDoc } from './write-configuration-doc.ts';

it('docs/configuration.md says what the settings say', async () => {
  expect(readFileSync(CONFIGURATION_DOC, 'utf8')).toBe(await writeConfigurationDoc());
});
