// Bundles one app into dist/main.js: `node tools/bundle.ts apps/api`.
import { join } from 'node:path';
import { build } from 'esbuild';

const [app] = process.argv.slice(2);
if (app === undefined) throw new Error('Usage: node tools/bundle.ts <app folder>');

await build({
  entryPoints: [join(app, 'src/main.ts')],
  outfile: join(app, 'dist/main.js'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // Bundled CommonJS packages still call require() for Node's own modules.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
});
