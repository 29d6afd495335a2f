import type { Readable } from 'node:stream';
import { BatchReport } from './batch-report.ts';
import type { BatchResult } from './batch-result.ts';
import { MAX_LINE_BYTES } from './batch-line.ts';
import { type Line, LineSplitter } from './line-splitter.ts';
import { OrderedWindow } from './ordered-window.ts';
import { Pace } from './pace.ts';
import type { ResultStream } from './result-stream.ts';
import { type BatchContext, runLine } from './run-line.ts';

/**
 * Publishes the lines of a request as they come, many at once; lines about one path take effect in their
 * order. A request that is cut off ends the batch: what was answered stays.
 */
export async function runBatch(
  context: BatchContext,
  request: Readable,
  results: ResultStream,
): Promise<void> {
  const report = new BatchReport(context, results);
  const window = new OrderedWindow<BatchResult>((result) => report.add(result));
  const pace = new Pace();
  try {
    for await (const { line, number } of readLines(request)) {
      await window.hasRoom();
      window.add(runLine(context, line, number), line.bytes?.length ?? 0);
      await pace.yieldIfDue();
    }
  } finally {
    await window.drained();
  }
  report.end();
}

/** The lines that are not blank, with their numbers. */
export async function* readLines(request: Readable): AsyncGenerator<{ line: Line; number: number }> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  let number = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    for (const line of splitter.push(chunk)) {
      number += 1;
      if (!isBlank(line)) yield { line, number };
    }
  }
  for (const line of splitter.end()) {
    number += 1;
    if (!isBlank(line)) yield { line, number };
  }
}

const isBlank = ({ bytes }: Line): boolean =>
  bytes !== null && bytes.every((byte) => byte === 0x20 || byte === 0x09);
