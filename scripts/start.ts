// `npm start`: the API and the projector as two processes over one data directory.
import './supervisor/check-runtime.mjs';
import { fileURLToPath } from 'node:url';
import { buildConsole } from './supervisor/build-console.ts';
import { start } from './supervisor/start.ts';

const program = (path: string) => fileURLToPath(new URL(`../apps/${path}/src/main.ts`, import.meta.url));

// Beside the product, which needs no console to run.
const building = buildConsole(fileURLToPath(new URL('..', import.meta.url)));
process.exitCode = await start({
  children: [
    { name: 'api', module: program('api') },
    { name: 'projector', module: program('projector') },
  ],
  command: 'npx holdfast',
});
building.kill();
