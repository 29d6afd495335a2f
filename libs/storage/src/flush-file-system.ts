import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** A letter for each path: `y` once all that was written to its file system is durable, `n` where that failed. */
const SCRIPT = `trap '' INT HUP TERM
while IFS= read -r path; do if sync -f "$path"; then printf y; else printf n; fi; done`;

/**
 * Shells without work, kept as starting a program is no small thing for a large process: it copies its page tables,
 * and nothing else goes on for 20 ms. They end with this process, whose end closes their input.
 */
const idle: FlushShell[] = [];

/**
 * Makes everything durable that was written to the file system that holds `path`.
 * @throws where that is not possible, or fails
 */
export async function flushFileSystem(path: string): Promise<void> {
  // Only Linux has syncfs, and only there does `sync -f` wait until it is done.
  if (process.platform !== 'linux') throw new Error('there is no syncfs here');
  if (path.includes('\n')) throw new Error(`the path ${JSON.stringify(path)} has more than one line`);
  const shell = idle.pop() ?? new FlushShell();
  const outcome = await shell.flush(path);
  if (outcome !== 'gone') idle.push(shell);
  if (outcome !== 'flushed') throw new Error(`sync -f ${path}: ${outcome}`);
}

type Outcome = 'flushed' | 'failed' | 'gone';

class FlushShell {
  readonly #child = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'ignore'] });
  #settle: (outcome: Outcome) => void = () => undefined;

  constructor() {
    const { stdin, stdout } = this.#child;
    const isGone = (): void => {
      this.#settle('gone');
    };
    for (const part of [this.#child, stdin, stdout]) part.on('error', isGone);
    this.#child.on('close', isGone);
    stdout.on('data', (answer: Buffer) => {
      this.#settle(answer.toString() === 'y' ? 'flushed' : 'failed');
    });
  }

  /** One at a time. Keeps the process alive only while it is under way. */
  async flush(path: string): Promise<Outcome> {
    const { stdin, stdout } = this.#child;
    const handles = [this.#child, stdin as Socket, stdout as Socket];
    for (const handle of handles) handle.ref();
    const outcome = await new Promise<Outcome>((resolve) => {
      this.#settle = resolve;
      stdin.write(`${path}\n`, (error) => {
        if (error) resolve('gone');
      });
    });
    for (const handle of handles) handle.unref();
    return outcome;
  }
}
