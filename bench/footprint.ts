import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { startEventStoreDb } from '@holdfast/testing/event-store-db';
import { freshDirectory, makeDocument, round } from './measure.ts';
import type { Measured } from './run.ts';

const DOCUMENTS = 10_000;
const BYTES = 2_000;

/** What a document and a change cost, for docs/scale.md: on one machine, and on two that share an EventStoreDB. */
export async function measureFootprint(): Promise<Measured[]> {
  return [...(await measureOneMachine()), ...(await measureTwoMachines())];
}

async function measureOneMachine(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  try {
    const empty = sizes(product.dataDir);
    await publish(product, 0);
    await untilLevel([product], DOCUMENTS);
    const first = await flushed(product);
    await publish(product, 1);
    await untilLevel([product], 2 * DOCUMENTS);
    const second = await flushed(product);
    const rows = Object.keys(second).map((what) => {
      const perDocument = ((first[what] ?? 0) - (empty[what] ?? 0)) / DOCUMENTS;
      const perChange = ((second[what] ?? 0) - (first[what] ?? 0)) / DOCUMENTS;
      return row(
        `disk of the ${what}`,
        round(perDocument),
        'bytes a document',
        `${round(perChange)} bytes for each change of it; documents of ${BYTES} bytes`,
      );
    });
    return rows;
  } finally {
    await product.stop();
  }
}

async function measureTwoMachines(): Promise<Measured[]> {
  const server = await startEventStoreDb();
  const start = (node: string): Promise<Product> =>
    startProduct({
      dataDir: freshDirectory(),
      env: { HOLDFAST_NODE: node, HOLDFAST_EVENT_STORE: server.url },
    });
  const [holder, other] = [await start('web-1'), await start('web-2')];
  try {
    const before = { bytes: server.storedBytes(), holder: cpuMs(holder), other: cpuMs(other) };
    const began = performance.now();
    await publish(holder, 0);
    await untilLevel([holder, other], DOCUMENTS);
    const seconds = (performance.now() - began) / 1_000;
    const reports = 2 * Math.ceil(seconds / 5);
    const cpuOf = (product: Product, since: Record<string, number>): string =>
      Object.entries(cpuMs(product))
        .map(([name, ms]) => `${name} ${round((ms - (since[name] ?? 0)) / DOCUMENTS)}`)
        .join(', ');
    const sum = (product: Product, since: Record<string, number>): number =>
      Object.entries(cpuMs(product)).reduce((total, [name, ms]) => total + ms - (since[name] ?? 0), 0);
    return [
      row(
        'EventStoreDB, data and metadata',
        round((server.storedBytes() - before.bytes) / DOCUMENTS),
        'bytes a change',
        `published and replicated; with some ${reports} reports of nodes`,
      ),
      row(
        'CPU of the node that takes and replicates a change',
        round(sum(holder, before.holder) / DOCUMENTS),
        'ms a change',
        cpuOf(holder, before.holder),
      ),
      row(
        'CPU of a node that only follows',
        round(sum(other, before.other) / DOCUMENTS),
        'ms a change',
        cpuOf(other, before.other),
      ),
    ];
  } finally {
    await holder.stop();
    await other.stop();
    await server.close();
  }
}

async function publish(product: Product, version: number): Promise<void> {
  const lines = Array.from({ length: DOCUMENTS }, (_, index) =>
    JSON.stringify({
      put: `lessons/${index % 100}/l${index}.json`,
      text: makeDocument(index + version * DOCUMENTS, BYTES),
    }),
  );
  const response = await fetch(`${product.url}/v1/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  const last = (await response.text()).trimEnd().split('\n').at(-1) ?? '';
  if ((JSON.parse(last) as { published: number }).published !== DOCUMENTS) {
    throw new Error(`The batch ended with ${last}`);
  }
}

interface Health {
  readonly replications: Record<string, number>;
  readonly local: { lag: { events: number } | null };
}

const untilLevel = (products: readonly Product[], replicated: number): Promise<void> =>
  waitFor(
    'everything to be on disk and in the bucket',
    async () => {
      const healths = await Promise.all(products.map((product) => product.get<Health>('/v1/health')));
      return healths.every(
        ({ replications: { success = 0, superseded = 0 }, local }) =>
          success + superseded === replicated && local.lag?.events === 0,
      );
    },
    600_000,
  );

/** Once nothing waits in write-ahead files. */
async function flushed(product: Product): Promise<Record<string, number>> {
  for (const name of readdirSync(product.dataDir, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.db')) continue;
    const checkpoint = `const { DatabaseSync } = require('node:sqlite'); new DatabaseSync(process.argv[1]).exec('PRAGMA wal_checkpoint(TRUNCATE)')`;
    execFileSync(process.execPath, ['-e', checkpoint, join(product.dataDir, name)], { stdio: 'ignore' });
  }
  return await Promise.resolve(sizes(product.dataDir));
}

/** In bytes. Of files what they hold: a file system adds some 2 KiB to each. */
function sizes(dataDir: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
    const stats = statSync(join(dataDir, name), { throwIfNoEntry: false });
    const what = kindOf(name);
    if (what !== null && stats?.isFile() === true) found[what] = (found[what] ?? 0) + stats.size;
  }
  return found;
}

function kindOf(name: string): string | null {
  if (name.startsWith('events.db')) return 'embedded log';
  if (/^catalog-.*\.db/.test(name)) return 'catalogs of both processes';
  if (/^generations\/\d+\.db/.test(name)) return 'index of local files';
  if (/^generations\//.test(name)) return 'local files with .prev';
  return null;
}

/** User and system time so far, by process. From /proc, so on Linux only. */
function cpuMs(product: Product): Record<string, number> {
  const TICK_MS = 10;
  return Object.fromEntries(
    Object.entries(product.children()).map(([name, pid]) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return [name, (Number(fields[11]) + Number(fields[12])) * TICK_MS];
    }),
  );
}

const row = (name: string, value: number, unit: string, detail: string): Measured => ({
  name,
  value,
  unit,
  aim: '-',
  met: null,
  detail,
});
