import { isUtf8 } from 'node:buffer';
import { jsonEvent, type EventData, type JSONRecordedEvent, type RecordedEvent } from '@eventstore/db-client';
import {
  type BodyReference,
  cutBody,
  type EncodedEvent,
  type EventMetadata,
  HoldfastError,
  type Position,
} from '@holdfast/domain';
import type { StoredEvent } from '../copy/stored-event.ts';

/*
 * An event as it lies on the server, all of it JSON, so that the server's own page shows it:
 *
 *   data      { "data": {…}, "body": "text" }               a body that is text
 *             { "data": {…}, "bodyBase64": "…" }            a body that is none, and pieces of bodies
 *             { "data": {…}, "bodyReference": { sha256, bytes, chunks } }
 *   metadata  { "$correlationId", "$causationId", "actor", "at", "traceparent"?, "v", "keepLatest"? }
 */
interface Envelope {
  readonly data: unknown;
  readonly body?: string;
  readonly bodyBase64?: string;
  readonly bodyReference?: BodyReference;
}

interface StoredMetadata extends Omit<EventMetadata, 'correlationId' | 'causationId'> {
  readonly $correlationId: string;
  readonly $causationId: string;
  readonly v: number;
  readonly keepLatest?: number;
}

export interface LogPlace {
  readonly commit: bigint;
  readonly prepare: bigint;
}

const DIGITS = 20;
/** What the server counts of an event besides its data and metadata as they were given. */
const OVERHEAD_BYTES = 400;

/**
 * The commit position, and how far before it the prepare position lies: nowhere, but for events that were
 * written in a transaction, as Holdfast never does.
 */
export const toPosition = ({ commit, prepare }: LogPlace): Position =>
  `${String(commit).padStart(DIGITS, '0')}${String(commit - prepare).padStart(DIGITS, '0')}`;

/** @throws LOG_MISMATCH for a position that another kind of log gave out */
export function toPlace(position: Position): LogPlace {
  if (/^[0-9]{40}$/.test(position)) {
    const commit = BigInt(position.slice(0, DIGITS));
    return { commit, prepare: commit - BigInt(position.slice(DIGITS)) };
  }
  throw new HoldfastError(
    'LOG_MISMATCH',
    `The position ${JSON.stringify(position)} is none of this event log: what keeps it was made for another one.`,
    { context: { position } },
  );
}

/** An event ready to be sent, with the pieces of its body that have to be there before. */
export interface Sendable {
  readonly event: EventData;
  readonly metadata: string;
  readonly cut: EncodedEvent['cut'];
}

/** @param maxBytes  of all events; bodies are cut, the largest first, until they fit */
export function toSendable(
  events: readonly EncodedEvent[],
  keepLatest: number | undefined,
  maxBytes: number,
): Sendable[] {
  const sizes = events.map(
    ({ data, metadata, body }) =>
      Buffer.byteLength(data) + Buffer.byteLength(metadata) + encodedBytes(body) + OVERHEAD_BYTES,
  );
  let total = sizes.reduce((sum, size) => sum + size, 0);
  const cut = events.map((event) => event.cut);
  const largestFirst = [...events.keys()].sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  for (const index of largestFirst) {
    const body = events[index]?.body ?? null;
    if (total <= maxBytes || body === null || events[index]?.type === 'BodyChunk') break;
    cut[index] = cutBody(body);
    total -= encodedBytes(body);
  }
  return events.map((event, index) => {
    const pieces = cut[index] ?? null;
    const body = bodyFields(event, pieces?.reference ?? null);
    const envelope: Envelope = { data: JSON.parse(event.data) as unknown, ...body };
    return { event: toEventData(event, envelope, keepLatest), metadata: event.metadata, cut: pieces };
  });
}

/** A piece of a body, whose id and place follow from the bytes. */
export const toChunkEvent = (chunk: {
  id: string;
  data: string;
  metadata: string;
  body: Uint8Array;
}): EventData =>
  toEventData(
    { ...chunk, type: 'BodyChunk', v: 1 },
    { data: JSON.parse(chunk.data) as unknown, bodyBase64: Buffer.from(chunk.body).toString('base64') },
    undefined,
  );

/** What the domain decodes; text that is damaged is handed on as it is. */
export interface RawEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly position: Position;
  readonly type: string;
  readonly v: number;
  readonly data: string;
  readonly metadata: string;
}

export interface FetchedEvent {
  readonly raw: RawEvent;
  /** In the event itself. */
  readonly inline: () => Uint8Array | null;
  readonly reference: BodyReference | null;
  /** How long its body is, roughly. */
  readonly bodyBytes: number;
  readonly keepLatest: number | null;
}

/** @param stream  without the prefix of the log */
export function fromRecorded(event: RecordedEvent, stream: string): FetchedEvent {
  const envelope = envelopeOf(event);
  const stored = (isObject(event.metadata) ? event.metadata : {}) as Partial<StoredMetadata>;
  const { $correlationId, $causationId, v, keepLatest, ...rest } = stored;
  const raw: RawEvent = {
    id: event.id,
    stream,
    version: Number(event.revision),
    position: toPosition(event.position as LogPlace),
    type: event.type,
    v: v ?? 0,
    data: envelope === null ? textOf(event.data) : JSON.stringify(envelope.data),
    metadata: JSON.stringify({ correlationId: $correlationId, causationId: $causationId, ...rest }),
  };
  const { body, bodyBase64, bodyReference } = envelope ?? {};
  const bodyBytes = body?.length ?? bodyBase64?.length ?? bodyReference?.bytes ?? 0;
  const inline = (): Uint8Array | null => {
    if (body !== undefined) return Buffer.from(body);
    return bodyBase64 === undefined ? null : Buffer.from(bodyBase64, 'base64');
  };
  return { raw, inline, bodyBytes, reference: bodyReference ?? null, keepLatest: keepLatest ?? null };
}

/** @throws where it holds no JSON */
export function fromStored(event: StoredEvent): EventData {
  const { type, body, bodyReference } = event;
  const reference = bodyReference === null ? null : (JSON.parse(bodyReference) as BodyReference);
  const envelope = { data: JSON.parse(event.data) as unknown, ...bodyFields({ type, body }, reference) };
  return toEventData(event, envelope, undefined);
}

export function toStored({ raw, inline, reference }: FetchedEvent): StoredEvent {
  const { id, stream, version, type, v, data, metadata } = raw;
  const bodyReference = reference === null ? null : JSON.stringify(reference);
  return { id, stream, version, type, v, data, metadata, body: inline(), bodyReference };
}

/** What will be read back of an event once it is stored. */
export function asStored(sent: EventData, { stream, version }: StoredEvent): StoredEvent {
  const { data, metadata } = JSON.parse(
    JSON.stringify({ data: sent.data, metadata: sent.metadata }),
  ) as JSONRecordedEvent;
  const place = { revision: BigInt(version), position: { commit: 0n, prepare: 0n } };
  const there = { ...sent, isJson: true, data, metadata, ...place, streamId: stream, created: new Date(0) };
  return toStored(fromRecorded(there as RecordedEvent, stream));
}

function bodyFields(
  event: Pick<EncodedEvent, 'type' | 'body'>,
  reference: BodyReference | null,
): Partial<Envelope> {
  if (reference !== null) return { bodyReference: reference };
  if (event.body === null) return {};
  const bytes = Buffer.from(event.body);
  return event.type !== 'BodyChunk' && isUtf8(bytes)
    ? { body: bytes.toString() }
    : { bodyBase64: bytes.toString('base64') };
}

function toEventData(
  event: { id: string; type: string; v: number; metadata: string },
  envelope: Envelope,
  keepLatest: number | undefined,
): EventData {
  const { correlationId, causationId, ...rest } = JSON.parse(event.metadata) as EventMetadata;
  const stored: StoredMetadata = {
    $correlationId: correlationId,
    $causationId: causationId,
    ...rest,
    v: event.v,
    ...(keepLatest === undefined ? {} : { keepLatest }),
  };
  return jsonEvent({
    id: event.id,
    type: event.type,
    data: envelope as unknown as Record<string, unknown>,
    metadata: stored as unknown as Record<string, unknown>,
  });
}

function encodedBytes(body: Uint8Array | null): number {
  if (body === null) return 0;
  const bytes = Buffer.from(body);
  return isUtf8(bytes) ? Buffer.byteLength(JSON.stringify(bytes.toString())) : (bytes.length * 4) / 3;
}

function envelopeOf(event: RecordedEvent): Envelope | null {
  const { data } = event as JSONRecordedEvent;
  return event.isJson && isObject(data) && 'data' in data ? (data as unknown as Envelope) : null;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

const textOf = (data: unknown): string =>
  data instanceof Uint8Array
    ? Buffer.from(data).toString()
    : typeof data === 'string'
      ? data
      : JSON.stringify(data);
