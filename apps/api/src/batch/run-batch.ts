import type { Readable } from 'node:stream';
import { BatchReport } from './batch-report.ts';
import type { BatchResult } from './batch-result.ts';
import { OrderedWindow } from './ordered-window.ts';
import { Pace } from './pace.ts';
import { readLines } from './read-lines.ts';
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
    for await (const burst of readLines(request)) {
      for (const { line, number } of burst) {
        await window.hasRoom();
        window.add(runLine(context, line, number), line.bytes?.length ?? 0);
      }
      await pace.yieldIfDue();
    }
  } finally {
    await window.drained();
  }
  report.end();
}
