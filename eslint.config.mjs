import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Which project may import which others; itself and packages from npm always. */
const mayImport = {
  domain: [],
  settings: ['domain'],
  sqlite: ['domain'],
  'event-store': ['domain', 'sqlite'],
  storage: ['domain', 'sqlite'],
  cdn: ['domain', 'sqlite'],
  catalog: ['domain', 'sqlite'],
  health: ['domain', 'sqlite'],
  api: ['domain', 'settings', 'event-store', 'catalog', 'storage', 'health'],
  projector: ['domain', 'settings', 'event-store', 'catalog', 'storage', 'cdn', 'health'],
  // The API is spoken to over HTTP. The event store is for `log copy`, which works where no API can run.
  cli: ['domain', 'settings', 'api', 'event-store'],
  console: ['api'],
  testing: ['*'],
  workspace: ['*'],
};

// The only folders that know these clients.
const eventStoreDb = 'libs/event-store/src/eventstoredb';
// Serves the client's protocol, with the messages that come with the client.
const eventStoreDbTesting = 'libs/testing/src/eventstoredb';
const s3 = 'libs/cdn/src/s3';
// Makes buckets for specs of them.
const s3Testing = 'libs/testing/src/s3';

const scope = (project) => (project === '*' ? '*' : `scope:${project}`);

function boundaries({ also = [], allow = [] } = {}) {
  const depConstraints = Object.entries(mayImport).map(([project, others]) => ({
    sourceTag: scope(project),
    onlyDependOnLibsWithTags: [project, ...others, ...also].map(scope),
  }));
  // Specs of a project use libs/testing, and libs/testing uses the project.
  const ignoredCircularDependencies = [['testing', '*']];
  return {
    '@nx/enforce-module-boundaries': ['error', { allow, depConstraints, ignoredCircularDependencies }],
  };
}

const restrictedImports = {
  container: {
    group: ['tsyringe', 'reflect-metadata', 'reflect-metadata/*'],
    message: 'Only compose.ts knows the container; pass ports to constructors.',
  },
  eventStoreDb: {
    group: ['@eventstore/db-client'],
    message: `Only ${eventStoreDb} talks to EventStoreDB; use the EventStore port.`,
  },
  s3: {
    group: ['@aws-sdk/*', '@smithy/*'],
    message: `Only ${s3} talks to S3; use the ObjectStore port.`,
  },
  testing: {
    group: ['@holdfast/*/testing'],
    message: 'Contract suites and memory adapters are for specs and libs/testing.',
  },
  environment: {
    group: ['process', 'node:process'],
    importNames: ['env'],
    message: 'Only config.ts reads the environment.',
  },
  apiTypes: {
    group: ['@holdfast/api/types'],
    allowTypeImports: true,
    message: 'The API is spoken to over HTTP; import only its types (`import type`).',
  },
};

/** ESLint replaces a rule's options instead of merging them, so each group of files restates the whole list. */
function restrictImports({ except = [] } = {}) {
  const patterns = Object.entries(restrictedImports)
    .filter(([name]) => !except.includes(name))
    .map(([, pattern]) => pattern);
  return { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] };
}

const environment = { object: 'process', property: 'env', message: restrictedImports.environment.message };

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '.nx/', 'data/', 'test-results/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-properties': ['error', environment],
      ...boundaries(),
      ...restrictImports(),
    },
  },
  { files: ['**/compose.ts'], rules: restrictImports({ except: ['container'] }) },
  { files: [`${eventStoreDb}/**/*.ts`], rules: restrictImports({ except: ['eventStoreDb'] }) },
  { files: [`${s3}/**/*.ts`], rules: restrictImports({ except: ['s3'] }) },
  {
    files: ['**/config.ts'],
    rules: { ...restrictImports({ except: ['environment'] }), 'no-restricted-properties': 'off' },
  },
  { files: ['apps/{cli,console}/**/*.{ts,tsx}'], rules: boundaries({ allow: ['@holdfast/api/types'] }) },
  { files: ['apps/console/**/*.{ts,tsx}'], extends: [reactHooks.configs.flat.recommended] },
  {
    files: [
      '**/*.spec.ts',
      'libs/*/src/testing/**/*.ts',
      'libs/testing/**/*.ts',
      '{bench,e2e,scripts,tools}/**/*.ts',
      'apps/console/*.ts',
    ],
    rules: {
      ...boundaries({ also: ['testing'], allow: ['@holdfast/api/types'] }),
      ...restrictImports({ except: ['testing', 'environment'] }),
      'no-restricted-properties': 'off',
    },
  },
  {
    files: [`${eventStoreDb}/**/*.spec.ts`, `${eventStoreDbTesting}/**/*.ts`],
    rules: restrictImports({ except: ['eventStoreDb', 'testing', 'environment'] }),
  },
  {
    files: [`${s3}/**/*.spec.ts`, `${s3Testing}/**/*.ts`],
    rules: restrictImports({ except: ['s3', 'testing', 'environment'] }),
  },
  prettier,
);
