import type { LocalEntry } from '@holdfast/domain';
import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

/** What the thread is asked for; one answer each, in their order. */
export type WalkRequest =
  | { readonly ask: 'begin'; readonly root: string }
  /** The next page of the walk; an empty one is its end. */
  | { readonly ask: 'next' }
  | { readonly ask: 'look'; readonly root: string; readonly paths: readonly string[] };

export type WalkAnswer =
  | { readonly entries: readonly (LocalEntry | null)[] }
  | { readonly error: { readonly message: string; readonly code: string | undefined } };

/** Whichever comes first ends a page, so that its reader is never kept waiting long. */
const PAGE_ENTRIES = 64;
const PAGE_BYTES = 16 * 1024 * 1024;

goBehindOthers();
// Imported only then, as that is most of the work of a start.
const [{ lookAt }, { walkTree }] = await Promise.all([import('./look-at-file.ts'), import('./walk.ts')]);

let walk: Generator<LocalEntry, void> = walkTree('');

parentPort?.on('message', (request: WalkRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer(request: WalkRequest): WalkAnswer {
  try {
    switch (request.ask) {
      case 'begin':
        walk = walkTree(request.root);
        return { entries: [] };
      case 'next':
        return { entries: nextPage() };
      case 'look':
        return { entries: request.paths.map((path) => lookAt(request.root, path)) };
    }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { error: { message, code } };
  }
}

function nextPage(): LocalEntry[] {
  const entries: LocalEntry[] = [];
  let bytes = 0;
  while (entries.length < PAGE_ENTRIES && bytes < PAGE_BYTES) {
    const { value, done } = walk.next();
    if (done === true) break;
    entries.push(value);
    bytes += value.bytes + (value.previous?.bytes ?? 0);
  }
  return entries;
}

/** Who publishes goes first where processors are scarce. Linux alone knows priorities of threads. */
function goBehindOthers(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isInteger(thread) && thread !== process.pid)
      setPriority(thread, constants.priority.PRIORITY_LOW);
  } catch {
    // It then competes as any other thread does.
  }
}
