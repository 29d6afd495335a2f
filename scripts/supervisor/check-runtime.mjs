// Imported before anything else. Plain old JavaScript: it has to run wherever it is started, to be able to say
// what is missing.
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 24 || (major === 24 && minor >= 9);
const hasSqlite = isNewEnough && process.getBuiltinModule('node:sqlite') !== undefined;

if (!hasSqlite) {
  const found = `this is Node ${process.versions.node}${isNewEnough ? ' without node:sqlite' : ''}`;
  console.error(
    `RUNTIME_UNSUPPORTED: Holdfast needs Node 24.9 or newer with node:sqlite; ${found}.\n` +
      'Start it with "npm ci" and "npm start": on Linux (x64 and arm64) they bring the right Node along.\n' +
      'Elsewhere install Node 24 from https://nodejs.org.',
  );
  process.exit(2);
}
