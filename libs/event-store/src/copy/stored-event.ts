import { nodeStream } from '@holdfast/domain';

/** An event as it lies in a log, whatever the store: nothing is decoded, checked or brought up to date. */
export interface StoredEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly v: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly metadata: string;
  readonly body: Uint8Array | null;
  /** JSON text; of a body that lies in chunks, which are events of their own. */
  readonly bodyReference: string | null;
}

/** @returns the first thing in which they differ; null where they are the same */
export function differenceOf(a: StoredEvent, b: StoredEvent): string | null {
  for (const name of ['stream', 'version', 'id', 'type', 'v', 'data', 'metadata', 'bodyReference'] as const) {
    if (a[name] !== b[name]) return name;
  }
  return isSameBody(a.body, b.body) ? null : 'body';
}

const isSameBody = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;

const NODE_STREAMS = nodeStream('');

/**
 * What a node last said of itself. Only the latest is kept, so the versions of its stream have a gap at their beginning, which no
 * other store could be given; and the node says it again when it starts.
 */
export const isNodeReport = ({ stream }: { stream: string }): boolean => stream.startsWith(NODE_STREAMS);

export const named = ({ type, stream, version }: StoredEvent): string =>
  `${type}, version ${version} of ${stream}`;
