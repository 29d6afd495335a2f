import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { removeDirectories } from './measure.ts';
import { measureAppend } from './append.ts';
import { measureBatchAndReplay } from './batch-and-replay.ts';
import { measureFootprint } from './footprint.ts';
import { measureMemory } from './memory.ts';
import { measureMode } from './mode.ts';
import { measurePublish } from './publish.ts';
import { measureReplication } from './replication.ts';
import { measureScan } from './scan.ts';

/** One measured number, what it should be, and how it was measured. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: string;
  /** Null: not measured here, `detail` says why. */
  readonly met: boolean | null;
  readonly detail: string;
}

const BENCHES: Record<string, () => Promise<Measured[]>> = {
  append: measureAppend,
  publish: measurePublish,
  batch: measureBatchAndReplay,
  mode: measureMode,
  memory: measureMemory,
  replication: measureReplication,
  scan: measureScan,
  footprint: measureFootprint,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(2);
}

const results: Measured[] = [];
for (const [name, measure] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`measuring ${name} …`);
  results.push(...(await measure()));
}
removeDirectories();
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify({ machine, results }, null, 2)}\n`);
const rows = results.map(({ name, value, unit, aim, met, detail }) => [
  name,
  `${value} ${unit}`,
  aim,
  met === null ? '-' : met ? 'yes' : 'NO',
  detail,
]);
const table = [['what', 'measured', 'aim', 'met', 'how'], ...rows];
const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of table)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
console.log(
  `\n${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}; written to bench/results.json`,
);
