// Builds the console: `node apps/console/build.ts dist/console`. With `--if-stale` only where what is there was made
// from other sources; a failure is then kept beside the directory, for the page that the API shows in its place.
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { initialScripts, type Manifest } from './initial-scripts.ts';

const ROOT = join(import.meta.dirname, '../..');
const STAMP = 'sources.sha256';
/** What a page needs before it shows anything, compressed. */
const MAX_INITIAL_BYTES = 250_000;
const COMPRESSIBLE = /\.(?:js|css|svg)$/;

/** Of everything the console is made from. */
export function hashSources(): string {
  const hash = createHash('sha256');
  const sources = globSync('{src/**/*,*.*}', { cwd: import.meta.dirname, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of [...sources, join(ROOT, 'package-lock.json')]) {
    hash.update(file.slice(ROOT.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

export const isStale = (directory: string): boolean =>
  !existsSync(join(directory, STAMP)) || readFileSync(join(directory, STAMP), 'utf8') !== hashSources();

/** Replaces the directory when all is there, so that the API never serves half a console. */
export async function buildConsole(directory: string): Promise<{ initialBytes: number }> {
  const made = join(dirname(directory), `.${basename(directory)}-${process.pid}`);
  mkdirSync(dirname(directory), { recursive: true });
  try {
    const sources = hashSources();
    // Where everything is up to date it is not needed, and takes half a second to load.
    const { build } = await import('vite');
    await build({
      configFile: join(import.meta.dirname, 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: made },
    });
    const initialBytes = compress(made);
    if (initialBytes > MAX_INITIAL_BYTES) {
      throw new Error(
        `The scripts that a page needs before it shows anything have ${initialBytes} bytes compressed, and may have ${MAX_INITIAL_BYTES}.`,
      );
    }
    writeFileSync(join(made, STAMP), sources);
    rmSync(directory, { recursive: true, force: true });
    renameSync(made, directory);
    return { initialBytes };
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** @returns the compressed size of the scripts that the first page loads */
function compress(directory: string): number {
  const assets = join(directory, 'assets');
  const sizes = new Map<string, number>();
  for (const name of readdirSync(assets).filter((file) => COMPRESSIBLE.test(file))) {
    const compressed = gzipSync(readFileSync(join(assets, name)), { level: 9 });
    sizes.set(`assets/${name}`, compressed.length);
    writeFileSync(join(assets, `${name}.gz`), compressed);
  }
  const manifest = JSON.parse(readFileSync(join(directory, '.vite/manifest.json'), 'utf8')) as Manifest;
  return initialScripts(manifest).reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'if-stale': { type: 'boolean', default: false } },
  });
  const [target] = positionals;
  if (target === undefined) throw new Error('Usage: node apps/console/build.ts [--if-stale] <directory>');
  const directory = resolve(target);
  const errorFile = `${directory}-build-error.txt`;
  if (values['if-stale'] && !isStale(directory)) return;
  try {
    const { initialBytes } = await buildConsole(directory);
    rmSync(errorFile, { force: true });
    console.log(`The first page of the console loads ${Math.ceil(initialBytes / 1000)} kB of scripts.`);
  } catch (error) {
    try {
      writeFileSync(errorFile, String(error));
    } catch {
      // It cannot be written where nothing can; what is thrown says why.
    }
    throw error;
  }
}

// Whoever starts it may test or develop; what is built is for use.
process.env.NODE_ENV = 'production';
if (import.meta.main) await main();
