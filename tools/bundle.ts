// Bundles one program with all it needs: `node tools/bundle.ts apps/api/src/main.ts dist/api/main.js`.
// What is made runs with Node 24 alone, wherever its directory is copied to.
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Packages that read files of their own while they run, and which. */
const FILES_OF_PACKAGES = { '@fastify/swagger-ui': 'static' };

/** `new URL('./bulk-worker.ts', import.meta.url)`: how a program names another that runs in a thread of its own. */
const PROGRAM_URL = /new URL\(\s*'(\.[^']+)\.ts',\s*import\.meta\.url\s*\)/g;

const BANNER = [
  "import { createRequire } from 'node:module';",
  // Bundled CommonJS packages still call require() for Node's own modules,
  'const require = createRequire(import.meta.url);',
  // and look for files of their own beside themselves.
  "const packagesDirectory = import.meta.dirname + '/packages/';",
].join('');

async function bundle(entry: string, target: string): Promise<void> {
  const directory = dirname(target);
  const threads = new Set<string>();
  const { metafile } = await build({
    entryPoints: [entry],
    outfile: target,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    banner: { js: BANNER },
    plugins: [takeThreadsAlong(threads), findFilesOfPackages],
  });
  if (readFileSync(target, 'utf8').startsWith('#!')) chmodSync(target, 0o755);
  const inputs = Object.keys(metafile.inputs);
  writeLicences(inputs, directory);
  for (const [name, files] of Object.entries(FILES_OF_PACKAGES)) {
    if (inputs.some((input) => input.includes(`node_modules/${name}/`))) copyFiles(name, files, directory);
  }
  for (const thread of threads) await bundle(thread, join(directory, asScript(thread)));
}

const asScript = (source: string): string => `${basename(source, '.ts')}.js`;

/** Programs of threads end up beside the program that starts them. */
function takeThreadsAlong(threads: Set<string>): Plugin {
  return {
    name: 'threads',
    setup: (bundler) => {
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        loader: 'ts',
        contents: readFileSync(path, 'utf8').replaceAll(PROGRAM_URL, (_, relative: string) => {
          const thread = resolve(dirname(path), `${relative}.ts`);
          threads.add(thread);
          return `new URL('./${asScript(thread)}', import.meta.url)`;
        }),
      }));
    },
  };
}

const findFilesOfPackages: Plugin = {
  name: 'files of packages',
  setup: (bundler) => {
    bundler.onLoad({ filter: /\/node_modules\/.*\.c?js$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8');
      if (!contents.includes('__dirname')) return undefined;
      const [, inPackage = ''] = /.*\/node_modules\/(.*)/.exec(dirname(path).replaceAll(sep, '/')) ?? [];
      const where = `(packagesDirectory + ${JSON.stringify(inPackage)})`;
      return { loader: 'js', contents: contents.replaceAll(/\b__dirname\b/g, where) };
    });
  },
};

function copyFiles(name: string, files: string, directory: string): void {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const from = join(dirname(manifest), files);
  cpSync(from, join(directory, 'packages', name, files), { recursive: true });
}

/** What the packages' licences ask of whoever passes them on. */
function writeLicences(inputs: readonly string[], directory: string): void {
  const packages = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  const texts = [...new Set(packages)].sort().flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^(licen[cs]e|notice|copying)/i.test(name))
      .map((name) => `${folder}/${name}\n\n${readFileSync(join(folder, name), 'utf8')}`),
  );
  if (texts.length > 0) writeFileSync(join(directory, 'LICENSES.txt'), texts.join('\n\n'));
}

/** What Node has to know of the directory: that its scripts are modules. And whose version this is. */
function writeManifest(entry: string, directory: string): void {
  const { name, version, license, engines } = { ...manifestOf(import.meta.dirname), ...manifestOf(entry) };
  const manifest = { name, version, private: true, license, type: 'module', engines };
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function manifestOf(path: string): Record<string, unknown> {
  const file = join(path, 'package.json');
  if (!existsSync(file)) return manifestOf(dirname(path));
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

const [program, outfile] = process.argv.slice(2);
if (program === undefined || outfile === undefined) {
  throw new Error('Usage: node tools/bundle.ts <program> <output file>');
}
await bundle(resolve(program), resolve(outfile));
writeManifest(resolve(program), dirname(resolve(outfile)));
