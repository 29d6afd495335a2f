import { type ContentPath, kindOf, prepareDocument, toHoldfastError } from '@holdfast/domain';
import type { Readable } from 'node:stream';
import { TemporaryFile } from '../temporary-file.ts';
import { LineFailure, parseBatchLine } from './batch-line.ts';
import { BatchReport } from './batch-report.ts';
import type { BatchResult } from './batch-result.ts';
import { levelsOf } from './levels.ts';
import type { Line } from './line-splitter.ts';
import { OrderedWindow } from './ordered-window.ts';
import { Pace } from './pace.ts';
import { readLines } from './read-lines.ts';
import type { ResultStream } from './result-stream.ts';
import { type BatchContext, runLine } from './run-line.ts';

/** A line that waits in the file for its turn. */
interface Waiting {
  readonly number: number;
  readonly offset: number;
  readonly length: number;
}

/** All lines about one path: they stay together and in their order. */
interface PathLines {
  readonly path: ContentPath;
  readonly lines: Waiting[];
  readonly links: ContentPath[];
  /** Of the last line: the path is gone afterwards. */
  endsDeleted: boolean;
}

/**
 * Takes in the whole request first, then publishes what others point to before what points to it, manifests
 * after all other documents, and deletes at the end. Results come in that order.
 */
export async function runOrderedBatch(
  context: BatchContext,
  request: Readable,
  results: ResultStream,
): Promise<void> {
  const report = new BatchReport(context, results);
  const spool = new TemporaryFile(context.api.settings.dataDir);
  try {
    const paths = await takeIn(context, request, spool, report);
    const pace = new Pace();
    for (const stage of stagesOf([...paths.values()])) {
      const window = new OrderedWindow<BatchResult>((result) => report.add(result));
      for (const { number, offset, length } of stage.flatMap(({ lines }) => lines)) {
        await window.hasRoom();
        if (results.destroyed) break;
        window.add(runLine(context, { bytes: spool.read(offset, length) }, number), length);
        await pace.yieldIfDue();
      }
      await window.drained();
    }
  } finally {
    spool.close();
  }
  report.end();
}

/** Spools the lines and learns their links; a line that cannot work is reported at once. */
async function takeIn(
  { api }: BatchContext,
  request: Readable,
  spool: TemporaryFile,
  report: BatchReport,
): Promise<Map<ContentPath, PathLines>> {
  const paths = new Map<ContentPath, PathLines>();
  const pace = new Pace();
  for await (const burst of readLines(request)) {
    for (const { line, number } of burst) {
      try {
        const { path, links, isDeletion } = examine(line);
        const known = paths.get(path) ?? { path, lines: [], links: [], endsDeleted: false };
        paths.set(path, known);
        known.lines.push({ number, offset: spool.bytes, length: line.bytes?.length ?? 0 });
        known.endsDeleted = isDeletion;
        known.links.push(...links);
        if (line.bytes !== null) spool.append(line.bytes);
      } catch (failure) {
        if (!(failure instanceof LineFailure)) throw failure;
        const { code, message } = toHoldfastError(failure.error);
        await report.add({ line: number, path: failure.path, ok: false, code, detail: message });
      }
    }
    await pace.yieldIfDue();
  }
  return paths;

  function examine(line: Line): { path: ContentPath; links: readonly ContentPath[]; isDeletion: boolean } {
    const command = parseBatchLine(line, api.settings);
    const { path } = command;
    if (command.type === 'delete') return { path, links: [], isDeletion: true };
    try {
      const { contentType, text } = command;
      const { links } = prepareDocument({
        path,
        contentType,
        bytes: Buffer.from(text),
        checks: api.settings.kinds,
      });
      return { path, links, isDeletion: false };
    } catch (error) {
      throw new LineFailure(path, error);
    }
  }
}

/** Groups of paths; each group begins when the one before it is done. */
function stagesOf(paths: readonly PathLines[]): PathLines[][] {
  const published = paths.filter(({ endsDeleted }) => !endsDeleted);
  const numbers = new Map(published.map(({ path }, index) => [path, index]));
  const levels = levelsOf(published.map(({ links }) => links.flatMap((link) => numbers.get(link) ?? [])));
  const documents: PathLines[][] = [];
  const manifests: PathLines[][] = [];
  published.forEach((path, index) => {
    const stages = kindOf(path.path)?.kind === 'manifest' ? manifests : documents;
    const level = levels[index] ?? 0;
    (stages[level] ??= []).push(path);
  });
  const deletions = paths.filter(({ endsDeleted }) => endsDeleted);
  return [...documents, ...manifests, deletions].filter((stage) => stage !== undefined && stage.length > 0);
}
