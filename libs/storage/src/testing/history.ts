import type { NewEvent } from '@holdfast/domain';
import { deleted, published } from '@holdfast/domain/testing';

/** A history with everything that can happen to a document: first and later versions, deletes, and what comes after. */
export const HISTORY: readonly NewEvent[] = [
  published('units/u1.json', '1'),
  published('units/u2.json', '2'),
  published('lessons/l1.json', '3'),
  published('units/u1.json', '4'),
  published('gone/g.json', '5'),
  deleted('gone/g.json'),
  published('back/b.json', '6'),
  deleted('back/b.json'),
  published('back/b.json', '7'),
];

/** A stored event that this program cannot read; a newer one may know better. */
export const unreadableEvent = (stream: string, version: number) => ({
  id: '00000000-0000-4000-8000-0000000000aa',
  stream,
  version,
  type: 'ContentRenamed',
  v: 1,
  data: '{}',
  metadata: '{}',
  body: null,
  reference: null,
});
