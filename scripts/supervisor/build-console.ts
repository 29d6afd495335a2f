import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** Of what a build says, the end has the reason. */
const TOLD_CHARS = 2_000;

/**
 * Builds the console where its sources are others than those it was built from; a page that is opened meanwhile waits
 * for it. Where it fails, the API shows a plain page in its place.
 */
export function buildConsole(root: string): ChildProcess {
  const program = join(root, 'apps/console/build.ts');
  const building = spawn(process.execPath, [program, '--if-stale', join(root, 'dist/console')], {
    cwd: root,
    // It is no part of the product, and needs nothing of its environment.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  building.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-TOLD_CHARS);
  });
  building.once('exit', (code) => {
    if (code === 0 || code === null) return;
    process.stderr.write(
      `holdfast: the console could not be built; everything else runs without it.\n${said}\n`,
    );
  });
  building.once('error', (error) => {
    process.stderr.write(`holdfast: the console could not be built: ${error.message}\n`);
  });
  return building;
}
