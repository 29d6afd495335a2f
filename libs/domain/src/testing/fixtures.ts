import { alertStream } from '../alerts/events.ts';
import type { ContentPath } from '../content/path.ts';
import { parsePath } from '../content/path.ts';
import { contentStream } from '../content/events.ts';
import { type PreparedDocument, prepareDocument } from '../content/document.ts';
import type { DecidedEvent, EventMetadata, EventOf, NewEvent, RecordedEvent } from '../events.ts';
import { driftStream } from '../drift/events.ts';
import { jobStream } from '../jobs/events.ts';
import { MODE_STREAM } from '../mode/events.ts';
import { nodeStream } from '../nodes/events.ts';
import type { Appended, EventStore } from '../ports/event-store.ts';
import { replicationStream } from '../replication/events.ts';

export const LOG_ID = '6f1a3c52-0b7e-4d0a-9a55-2f6c8e1d4b70';
export const OTHER_LOG_ID = 'b0d2f9a4-51c3-4c8e-8f0e-7a9b3c6d5e21';
/** A Monday morning. */
export const AT = '2026-01-05T08:00:00.000Z';
export const METADATA: EventMetadata = {
  correlationId: 'request-1',
  causationId: 'request-1',
  actor: 'local',
  at: AT,
};

let lastId = 0;

/** Ids count up from 1 in each spec file. */
export const fixtureId = (): string => {
  lastId += 1;
  return `00000000-0000-4000-8000-${lastId.toString(16).padStart(12, '0')}`;
};

export const path = (text: string): ContentPath => parsePath(text);

/** Any event, with an id and metadata. */
export const newEvent = <Event extends DecidedEvent>(
  event: Event,
  id = fixtureId(),
): Event & Pick<NewEvent, 'id' | 'metadata'> => ({ ...event, id, metadata: METADATA });

/**
 * A document ready to publish.
 * @param content  bytes or text as they are; anything else becomes JSON; default: something of the path
 */
export function document(at: string, content: unknown = { about: at }): PreparedDocument {
  const bytes =
    content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return prepareDocument({ path: parsePath(at), contentType: 'application/json', bytes });
}

export function published(
  at: string,
  content?: unknown,
  id = fixtureId(),
): NewEvent & { type: 'ContentPublished'; body: Uint8Array } {
  const { contentType, bytes, sha256, md5, sourceSha256, links, body } = document(at, content);
  const data = { path: parsePath(at), contentType, bytes, sha256, md5, sourceSha256, links: [...links] };
  return { type: 'ContentPublished', id, metadata: METADATA, data, body };
}

export const deleted = (at: string, id = fixtureId()): NewEvent & { type: 'ContentDeleted' } => ({
  type: 'ContentDeleted',
  id,
  metadata: METADATA,
  data: { path: parsePath(at), reason: '' },
});

/** The stream that an event belongs to by its data; jobs name theirs by `jobId`. */
export function streamOf(event: NewEvent, jobId = 'job-1'): string {
  switch (event.type) {
    case 'ContentPublished':
    case 'ContentDeleted':
      return contentStream(event.data.path);
    case 'ModeChanged':
      return MODE_STREAM;
    case 'ContentReplicated':
    case 'ReplicationFailed':
    case 'ReplicationDeadLettered':
    case 'ReplicationRetryRequested':
      return replicationStream(event.data.path);
    case 'JobRequested':
    case 'JobProgressed':
    case 'JobFinished':
      return jobStream(jobId);
    case 'NodeReported':
    case 'NodeRetired':
      return nodeStream(event.data.node);
    case 'AlertRaised':
    case 'AlertCleared':
      return alertStream(event.data.code, event.data.subject);
    case 'ScanStarted':
    case 'ScanCompleted':
    case 'ScanAborted':
    case 'DriftDetected':
    case 'DriftRepaired':
      return driftStream(event.data.node);
    case 'LogCreated':
    case 'BodyChunk':
      throw new Error(`Fixtures know no stream for ${event.type}`);
  }
}

/** Appends events one by one, each to its own stream, whatever is there. */
export async function record(store: EventStore, ...events: readonly NewEvent[]): Promise<Appended[]> {
  const appended: Appended[] = [];
  for (const event of events) appended.push(await store.append(streamOf(event), [event], 'any'));
  return appended;
}

/** What `append` made of an event, as reads return it. */
export const recorded = <Event extends NewEvent>(
  event: Event,
  appended: Appended,
  stream = streamOf(event),
): Extract<RecordedEvent, { type: Event['type'] }> =>
  ({ ...event, stream, ...appended }) as unknown as EventOf<Event['type']>;
