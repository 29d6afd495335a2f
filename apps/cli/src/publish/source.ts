import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parsePath } from '@holdfast/domain';
import { usageInvalid } from '../content-path.ts';
import { countDocuments, type Found, walk } from './walk.ts';

/** What is to be published: a directory or one file. */
export interface Source {
  readonly isDirectory: boolean;
  /** How many documents there are, for progress; a few of them may turn out not to be publishable. */
  readonly count: number;
  /** Goes through all of it, each time anew. */
  entries(): Iterable<Found>;
}

/**
 * @param given  as typed; here alone a link is followed, as it was named
 * @param into   empty, or a directory with its `/`
 * @throws USAGE_INVALID when it is not there or holds nothing to publish; PATH_INVALID for one file with such a name
 */
export function openSource(given: string, into: string): Source {
  const root = findRoot(given);
  if (!statSync(root).isDirectory()) {
    const document = { kind: 'document', path: parsePath(into + basename(given)), file: root } as const;
    return { isDirectory: false, count: 1, entries: () => [document] };
  }
  const count = countDocuments(root);
  if (count === 0)
    throw usageInvalid(`There is nothing to publish: the directory ${given} has no .json file in it.`);
  return { isDirectory: true, count, entries: () => walk(root, into) };
}

function findRoot(given: string): string {
  try {
    return realpathSync(given);
  } catch (cause) {
    throw usageInvalid(
      `There is no file or directory ${given} that can be read: ${(cause as Error).message}.`,
      cause,
    );
  }
}
