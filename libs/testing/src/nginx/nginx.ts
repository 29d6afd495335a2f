import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, waitFor } from '../product.ts';

export interface Nginx {
  /** Where it serves, without a trailing slash. */
  readonly url: string;
  /** What it wrote to its error log. */
  output(): string;
  stop(): Promise<void>;
}

/** @returns null where it is not installed */
export function findNginx(path: string = process.env['PATH'] ?? ''): string | null {
  // Debian's folder for servers is on root's path only.
  const folders = [...path.split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find((file) => existsSync(file)) ?? null;
}

/** The lines of a configuration that its user changes, by how they begin. */
type Changed = Readonly<Record<string, string>>;

/**
 * Starts nginx with a configuration as it is, but for the lines that its user is told to change, and those that say where nginx
 * keeps its own files.
 */
export async function startNginx(options: {
  program: string;
  configuration: string;
  dataDir: string;
  apiUrl: string;
}): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-nginx-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const changed: Changed = {
    'listen ': `listen 127.0.0.1:${port};`,
    'root ': `root ${options.dataDir};`,
    'set $holdfast_api ': `set $holdfast_api ${options.apiUrl};`,
  };
  const text = change(readFileSync(options.configuration, 'utf8'), changed);
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(' ');
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, text.replace('http {', `http { ${own}`));
  mkdirSync(join(folder, 'client_body'));
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  const child = spawn(
    options.program,
    ['-p', folder, '-c', file, '-g', `${user}daemon off; pid ${join(folder, 'pid')};`],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitFor(
      () => `nginx to serve; it printed:\n${output}`,
      async () => (await fetch(url)).status > 0,
      10_000,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, output: () => output, stop };
}

function change(configuration: string, changed: Changed): string {
  return Object.entries(changed).reduce((text, [beginning, line]) => {
    const lines = text.split('\n');
    const found = lines.filter((each) => each.trim().startsWith(beginning));
    if (found.length !== 1) throw new Error(`${found.length} lines begin with ${beginning}`);
    return lines.map((each) => (each === found[0] ? line : each)).join('\n');
  }, configuration);
}
