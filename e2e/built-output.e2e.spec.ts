import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { freePort, hasEmbeddedLog, type Product, startProduct, waitFor } from '@holdfast/testing';

const ROOT = join(import.meta.dirname, '..');
const PROJECTS = {
  workspace: '.',
  api: 'apps/api',
  projector: 'apps/projector',
  cli: 'apps/cli',
  console: 'apps/console',
};
/** More than a replay reads at once, so that its thread has work to do. */
const DOCUMENTS = 600;
// Real processes on a machine that may have other work.
jest.setTimeout(60_000);

// Outside the repository, so that nothing of it is found from there, no package either.
const directory = mkdtempSync(join(tmpdir(), 'holdfast-built-'));
const built = join(directory, 'product');
const source = join(directory, 'source');
let product: Product;

beforeAll(() => {
  for (const name of Object.keys(PROJECTS)) build(name as keyof typeof PROJECTS);
  mkdirSync(join(source, 'units'), { recursive: true });
  for (let id = 0; id < DOCUMENTS; id += 1) {
    writeFileSync(join(source, `units/u${id}.json`), JSON.stringify({ id: `u${id}` }));
  }
});

beforeEach(async () => {
  product = await startProduct({ built });
});

afterEach(() => product.stop());

afterAll(() => {
  rmSync(directory, { recursive: true });
});

interface BuildTarget {
  readonly options?: { readonly command: string };
}

/** As `nx build` does, to another directory than `dist`. */
function build(name: keyof typeof PROJECTS): void {
  const json = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as unknown;
  const { targetDefaults } = json('nx.json') as { targetDefaults: { build: { command: string } } };
  const manifest = json(`${PROJECTS[name]}/package.json`) as { nx: { targets: { build: BuildTarget } } };
  const command = manifest.nx.targets.build.options?.command ?? targetDefaults.build.command;
  const here = { '{projectRoot}': PROJECTS[name], '{projectName}': name, ' dist/': ` ${built}/` };
  const [program = '', ...args] = Object.entries(here)
    .reduce((text, [from, to]) => text.replaceAll(from, to), command)
    .split(' ');
  execFileSync(program === 'node' ? process.execPath : program, args, { cwd: ROOT, stdio: 'pipe' });
}

it('what was built runs anywhere with nothing but Node: publishing, a replay and a backup', async () => {
  const published = await product.holdfast('publish', source, '--wait', 'local', '--json');
  expect({ ...published, stdout: JSON.parse(published.stdout) as unknown }).toMatchObject({
    code: 0,
    stdout: { published: DOCUMENTS, failed: 0 },
  });
  await waitFor('the replica', () => readdirSync(join(product.dataDir, 'bucket/units')).length >= DOCUMENTS);

  const content = join(product.dataDir, 'content');
  const before = readlinkSync(content);
  const replay = await product.holdfast('replay');
  expect([replay.code, replay.stderr]).toEqual([0, expect.stringContaining('runs on the server')]);
  expect(readlinkSync(content)).not.toBe(before);
  expect(namesIn(content)).toEqual(namesIn(source));

  const copy = join(directory, 'events-backup.db');
  const backup = await product.holdfast('backup', copy);
  if (hasEmbeddedLog()) {
    expect([backup.code, backup.stderr]).toEqual([0, '']);
    expect(documentsIn(copy)).toBe(DOCUMENTS);
  } else {
    expect([backup.code, backup.stderr]).toEqual([1, expect.stringContaining('BACKUP_UNSUPPORTED')]);
  }

  const page = await fetch(`${product.url}/docs/static/swagger-ui-bundle.js`);
  expect([page.status, (await page.text()).length > 100_000]).toEqual([200, true]);

  const index = await fetch(product.url);
  const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(await index.text()) ?? [];
  expect([index.status, (await fetch(`${product.url}${script}`)).status]).toEqual([200, 200]);
  expect(await product.stop()).toBe(0);
});

const namesIn = (tree: string): string[] => readdirSync(join(tree, 'units')).sort();

function documentsIn(log: string): unknown {
  const db = new DatabaseSync(log, { readOnly: true });
  try {
    return db.prepare("SELECT count(*) AS count FROM events WHERE type = 'ContentPublished'").get()?.[
      'count'
    ];
  } finally {
    db.close();
  }
}

it('answers the health check of the image while it runs, and no longer', async () => {
  const [, command = ''] =
    /^HEALTHCHECK (?:.*\\\n)?\s*CMD (.*)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  const [program, ...args] = JSON.parse(command) as string[];
  expect(program).toBe('node');
  const check = (port: string) =>
    spawnSync(process.execPath, args, { env: { HOLDFAST_PORT: port }, timeout: 5_000 }).status;
  await waitFor('the health check to pass', () => check(new URL(product.url).port) === 0);
  expect(check(String(await freePort()))).toBe(1);
});
