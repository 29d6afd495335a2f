import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';

/** A program that runs until it is ended, and ends with this process even if that is killed. */
export interface Daemon {
  readonly name: string;
  /** Its exit code, or the signal that ended it; null while it runs. */
  ended(): number | NodeJS.Signals | null;
  /** Returns when it is gone. */
  kill(): Promise<void>;
}

const SETPRIV = '/usr/bin/setpriv';

/** @param outputFile  where what it prints is appended */
export function startDaemon(name: string, args: readonly string[], outputFile: string): Daemon {
  const output = openSync(outputFile, 'a');
  const child = spawn(...diesWithUs(name, args), { stdio: ['ignore', output, output] });
  closeSync(output);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    name,
    ended: () => (child.pid === undefined ? -1 : (child.signalCode ?? child.exitCode)),
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/**
 * Runs a program to its end.
 * @param input  its standard input
 * @returns its standard output
 */
export function run(name: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = execFile(
      ...diesWithUs(name, args),
      { timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(
            new Error(`${name} ${args.join(' ')} failed: ${error.message}\n${stderr}`, { cause: error }),
          );
      },
    );
    child.stdin?.end(input);
  });
}

/** The kernel ends it when this process is gone, also after SIGKILL, which no handler sees. */
function diesWithUs(name: string, args: readonly string[]): [string, string[]] {
  return existsSync(SETPRIV) ? [SETPRIV, ['--pdeathsig', 'KILL', '--', name, ...args]] : [name, [...args]];
}
