import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_LINE_BYTES } from './batch-line.ts';
import { type Line, LineSplitter } from './line-splitter.ts';

const MAX_LINES = 64;
const MAX_BYTES = 1024 * 1024;

export interface NumberedLine {
  readonly line: Line;
  /** 1 first; blank lines count. */
  readonly number: number;
}

/**
 * The lines of a request that are not blank, in bursts: what is handled in one turn of the event loop shares
 * one commit of the log. A burst waits for no more than what is on its way already, and is small enough to
 * be handled without holding the process.
 */
export async function* readLines(request: Readable): AsyncGenerator<readonly NumberedLine[]> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const burst = new Burst();
  const chunks = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    let next = ask(chunks);
    for (;;) {
      const chunk = burst.isEmpty ? await next : await Promise.race([next, idle()]);
      if (chunk === 'idle') {
        yield burst.take();
        continue;
      }
      if (chunk.done === true) break;
      next = ask(chunks);
      for (const line of splitter.push(chunk.value)) if (burst.add(line)) yield burst.take();
    }
    for (const line of splitter.end()) burst.add(line);
    if (!burst.isEmpty) yield burst.take();
  } finally {
    await chunks.return?.();
  }
}

/** Nothing has come in a whole turn of the event loop, from one look at the sockets to the next. */
async function idle(): Promise<'idle'> {
  await nextTurn();
  await nextTurn();
  return 'idle';
}

function ask(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array, unknown>> {
  const next = chunks.next();
  // Read ahead: a failure is met where it is waited for.
  next.catch(() => undefined);
  return next;
}

class Burst {
  #lines: NumberedLine[] = [];
  #bytes = 0;
  #number = 0;

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** @returns whether it is full */
  add(line: Line): boolean {
    this.#number += 1;
    if (isBlank(line)) return false;
    this.#lines.push({ line, number: this.#number });
    this.#bytes += line.bytes?.length ?? 0;
    return this.#lines.length >= MAX_LINES || this.#bytes >= MAX_BYTES;
  }

  take(): readonly NumberedLine[] {
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    return lines;
  }
}

const isBlank = ({ bytes }: Line): boolean =>
  bytes !== null && bytes.every((byte) => byte === 0x20 || byte === 0x09);
