// `node start.js` where the product was built to: the same as `npm start`, over the bundles beside it.
import './supervisor/check-runtime.mjs';
import { join } from 'node:path';
import { start } from './supervisor/start.ts';

const program = (app: string) => join(import.meta.dirname, app, 'main.js');

process.exitCode = await start({
  children: [
    { name: 'api', module: program('api') },
    { name: 'projector', module: program('projector') },
  ],
  command: `node ${join(import.meta.dirname, 'cli/holdfast.js')}`,
});
