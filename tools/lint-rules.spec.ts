import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createProjectGraphAsync } from '@nx/devkit';
import { ESLint } from 'eslint';

const root = join(import.meta.dirname, '..');
const boundaries = '@nx/enforce-module-boundaries';
const restrictedImports = '@typescript-eslint/no-restricted-imports';
const restrictedProperties = 'no-restricted-properties';
const rules = [boundaries, restrictedImports, restrictedProperties];

const eslint = new ESLint({
  cwd: root,
  // The files do not exist, so there are no types to ask for; the rules in question need none.
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => rules.includes(ruleId),
});

/** The rules that `code` would break as the text of `file`. */
async function broken(file: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

describe('the import rules', () => {
  // The boundary rule looks projects up in Nx's cached graph, and is silent without one.
  beforeAll(async () => {
    await createProjectGraphAsync();
  });

  it.each([
    ['an adapter imports another', 'libs/cdn/src/x.ts', `import '@holdfast/storage';`, boundaries],
    ['an adapter reaches into another', 'libs/cdn/src/x.ts', `import '../../storage/src/x.ts';`, boundaries],
    ['the domain imports an adapter', 'libs/domain/src/x.ts', `import '@holdfast/sqlite';`, boundaries],
    ['the API imports the CDN adapter', 'apps/api/src/x.ts', `import '@holdfast/cdn';`, boundaries],
    ['the console imports an adapter', 'apps/console/src/x.tsx', `import '@holdfast/storage';`, boundaries],
    [
      'the console imports a value of the API',
      'apps/console/src/x.tsx',
      `import { x } from '@holdfast/api/types';`,
      restrictedImports,
    ],
    ['the CLI imports an adapter', 'apps/cli/src/x.ts', `import '@holdfast/storage';`, boundaries],
    [
      'the projector imports the API',
      'apps/projector/src/x.ts',
      `import type { x } from '@holdfast/api/types';`,
      boundaries,
    ],
    ['production code imports libs/testing', 'libs/cdn/src/x.ts', `import '@holdfast/testing';`, boundaries],
    [
      'production code imports contract suites',
      'libs/cdn/src/x.ts',
      `import '@holdfast/domain/testing';`,
      restrictedImports,
    ],
    [
      'the CLI imports a value of the API',
      'apps/cli/src/x.ts',
      `import { x } from '@holdfast/api/types';`,
      restrictedImports,
    ],
    ['tsyringe outside compose.ts', 'libs/cdn/src/x.ts', `import 'tsyringe';`, restrictedImports],
    [
      'EventStoreDB outside its folder',
      'libs/cdn/src/x.ts',
      `import '@eventstore/db-client';`,
      restrictedImports,
    ],
    [
      'the protocol of EventStoreDB outside its folders',
      'libs/testing/src/folder/x.ts',
      `import '@eventstore/db-client/generated/streams_pb.js';`,
      restrictedImports,
    ],
    ['S3 outside its folder', 'libs/cdn/src/folder/x.ts', `import '@aws-sdk/client-s3';`, restrictedImports],
    ['the environment is read', 'libs/cdn/src/x.ts', `export const x = process.env;`, restrictedProperties],
    [
      'the environment is imported',
      'libs/cdn/src/x.ts',
      `import { env } from 'node:process';`,
      restrictedImports,
    ],
  ])('refuse that %s', async (_, file, code, rule) => {
    expect(await broken(file, code)).toEqual([rule]);
  });

  it.each([
    ['libs/cdn/src/x.ts', `import '@holdfast/domain';`],
    ['libs/cdn/src/x.ts', `import '@holdfast/sqlite';`],
    ['libs/cdn/src/x.spec.ts', `import '@holdfast/testing';`],
    ['libs/cdn/src/x.spec.ts', `import '@holdfast/domain/testing';`],
    ['libs/cdn/src/s3/x.ts', `import '@aws-sdk/client-s3';`],
    ['libs/testing/src/s3/x.ts', `import '@aws-sdk/client-s3';`],
    ['libs/event-store/src/eventstoredb/x.ts', `import '@eventstore/db-client';`],
    ['libs/testing/src/eventstoredb/x.ts', `import '@eventstore/db-client/generated/streams_pb.js';`],
    ['apps/cli/src/x.ts', `import type { x } from '@holdfast/api/types';`],
    ['apps/console/src/x.tsx', `import type { x } from '@holdfast/api/types';`],
    ['apps/projector/src/compose.ts', `import 'tsyringe';`],
    ['apps/projector/src/config.ts', `export const x = process.env;`],
    ['e2e/x.ts', `import '@holdfast/storage';`],
  ])('let %s contain %s', async (file, code) => {
    expect(await broken(file, code)).toEqual([]);
  });
});
