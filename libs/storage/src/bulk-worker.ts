import { parentPort, workerData } from 'node:worker_threads';
import type { BulkDocument } from './bulk-write.ts';
import { writeInBulk } from './bulk-write.ts';
import { nodeFileOperations } from './file-operations.ts';

/** One per batch, in their order: what went wrong, or null. */
export type BulkAnswer = { readonly message: string; readonly code: string | undefined } | null;

const { root, made } = workerData as { root: string; made: Set<string> };

parentPort?.on('message', (documents: BulkDocument[]) => {
  let answer: BulkAnswer = null;
  try {
    writeInBulk(root, nodeFileOperations, made, documents);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { message, code };
  }
  for (const { bytes, previous } of documents) {
    release(bytes);
    if (previous !== null) release(previous);
  }
  parentPort?.postMessage(answer);
});

/** Gives the memory back now: the collector of this thread does not see how much it is. Small bodies share a buffer. */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
