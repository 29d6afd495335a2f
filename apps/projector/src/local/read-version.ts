import {
  type ContentEvent,
  type ContentPath,
  contentStream,
  type EventOf,
  type EventStore,
  hasCode,
  HoldfastError,
  type Position,
  sha256Of,
} from '@holdfast/domain';

export type Published = EventOf<'ContentPublished'> & { readonly body: Uint8Array };

/** An event that can never be worked with, and why. */
export interface Poison {
  readonly stream: string;
  readonly version: number;
  readonly position: Position;
  /** EVENT_UNREADABLE */
  readonly error: HoldfastError;
}

/** Either the event that can be worked with, or why it never can be. */
export type ReadVersion =
  | { readonly state: 'published'; readonly event: Published }
  | { readonly state: 'deleted'; readonly event: EventOf<'ContentDeleted'> }
  | (Poison & { readonly state: 'poison' })
  | { readonly state: 'absent' };

/**
 * One version of a document, with its body, checked.
 * @throws EVENT_STORE_UNAVAILABLE
 */
export async function readVersion(
  store: EventStore,
  path: ContentPath,
  version: number,
): Promise<ReadVersion> {
  if (version < 0) return { state: 'absent' };
  try {
    const [event] = await store.readStream(contentStream(path), {
      direction: 'backwards',
      fromVersion: version,
      maxCount: 1,
      withBodies: true,
    });
    if (event?.version !== version) return { state: 'absent' };
    return checkVersion(event as ContentEvent);
  } catch (error) {
    if (!hasCode(error, 'EVENT_UNREADABLE')) throw error;
    const position = error.context['position'] as Position;
    return { state: 'poison', stream: contentStream(path), version, position, error };
  }
}

/** A body that is not what its event says can never be written; nobody would notice but by this. */
export function checkVersion(event: ContentEvent): ReadVersion {
  if (event.type === 'ContentDeleted') return { state: 'deleted', event };
  const { body } = event;
  if (body === undefined) return bodyPoison(event, 'it has none');
  const sha256 = sha256Of(body);
  if (sha256 === event.data.sha256) return { state: 'published', event: event as Published };
  return bodyPoison(event, `it has ${body.length} bytes with SHA-256 ${sha256}`);
}

function bodyPoison(event: EventOf<'ContentPublished'>, found: string): ReadVersion {
  const { stream, version, position } = event;
  const { path, bytes, sha256 } = event.data;
  const error = new HoldfastError(
    'EVENT_UNREADABLE',
    `The body of version ${version} of ${path} (position ${position}) should have ${bytes} bytes with SHA-256 ${sha256}, but ${found}. The log is damaged: restore it from a backup, or publish the document again.`,
    { context: { path, stream, version, position } },
  );
  return { state: 'poison', stream, version, position, error };
}
