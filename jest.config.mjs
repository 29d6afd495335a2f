import { existsSync } from 'node:fs';
import preset from './jest.preset.mjs';

export default {
  ...preset,
  displayName: 'workspace',
  // Named one by one: Jest would otherwise crawl node_modules and the data directory too.
  roots: ['bench', 'e2e', 'scripts', 'tools']
    .filter((folder) => existsSync(new URL(folder, import.meta.url)))
    .map((folder) => `<rootDir>/${folder}`),
  testMatch: ['**/*.spec.ts'],
};
