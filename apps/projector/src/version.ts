import { readFileSync } from 'node:fs';

/** Of this program, as its package says; beside the sources as beside the built program. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
