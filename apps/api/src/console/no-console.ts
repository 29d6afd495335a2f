import { readFile } from 'node:fs/promises';

/** Beside the directory, as that is replaced as a whole; written by apps/console/build.ts. */
export const buildErrorFile = (directory: string): string => `${directory}-build-error.txt`;

/** A plain page in the place of a console that cannot be shown; everything else works without it. */
export async function noConsole(directory: string, error: unknown): Promise<string> {
  const failure = await readFile(buildErrorFile(directory), 'utf8').catch(() => null);
  const why =
    failure === null
      ? `<p>It is being built, or was not built: ${escapeHtml(String((error as Error).message))}. <code>npm start</code> and <code>npm run build</code> build it. This page looks again every two seconds.</p>`
      : `<p>Its build failed; <code>npm start</code> tries again.</p><pre>${escapeHtml(failure)}</pre>`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Holdfast</title>',
    failure === null ? '<meta http-equiv="refresh" content="2">' : '',
    '</head><body><h1>The console is not here</h1>',
    why,
    '<p>The API works without it: <a href="/docs">its description</a>, <a href="/readyz">readiness</a>, <code>npx holdfast status</code>.</p>',
    '</body></html>',
  ].join('');
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
