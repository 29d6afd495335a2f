#!/usr/bin/env node
// Plain old JavaScript: it has to parse wherever it is started, to be able to say what is missing.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 24 || (version[0] === 24 && version[1] < 9)) {
  console.error(
    'RUNTIME_UNSUPPORTED: holdfast needs Node 24.9 or newer, this is ' +
      process.versions.node +
      '.\n' +
      'Start it as "npx holdfast" from the repository root: after "npm ci" that uses the right Node on Linux.',
  );
  process.exit(2);
}
import('../src/main.ts');
