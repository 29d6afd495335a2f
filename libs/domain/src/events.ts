import type { Position } from './position.ts';
import { v5 as uuidV5, v7 as uuidV7 } from 'uuid';
import { z } from 'zod';
import { alertEvents } from './alerts/events.ts';
import { contentEvents } from './content/events.ts';
import { driftEvents } from './drift/events.ts';
import { HoldfastError } from './errors.ts';
import { type EventDefinition, instantSchema } from './event-definition.ts';
import { jobEvents } from './jobs/events.ts';
import { modeEvents } from './mode/events.ts';
import { nodeEvents } from './nodes/events.ts';
import { replicationEvents } from './replication/events.ts';
import { logEvents } from './log/events.ts';

/** Every event of the system, by its name. A name is never reused; a new shape gets a new `v` and an upcaster. */
export const EVENT_DEFINITIONS = {
  ...logEvents,
  ...contentEvents,
  ...modeEvents,
  ...replicationEvents,
  ...jobEvents,
  ...nodeEvents,
  ...alertEvents,
  ...driftEvents,
};

type Definitions = typeof EVENT_DEFINITIONS;
export type EventType = keyof Definitions;
export type EventData<Type extends EventType> = z.infer<Definitions[Type]['schema']>;

export const metadataSchema = z.object({
  /** The request that began it all; shared by everything that follows from it. */
  correlationId: z.string().min(1).max(200),
  /** The event or request that caused this event. */
  causationId: z.string().min(1).max(200),
  /** Who: a token's name, `local` without tokens, or the projector that acted. */
  actor: z.string().min(1).max(200),
  at: instantSchema,
  traceparent: z.string().max(100).optional(),
});
export type EventMetadata = z.infer<typeof metadataSchema>;

/** What was decided: the event's name and data, and for content the stored bytes. */
export type DecidedEvent = {
  [Type in EventType]: { readonly type: Type; readonly data: EventData<Type>; readonly body?: Uint8Array };
}[EventType];

/** What is appended: with an id of the caller's making (a UUID), so that a repeated append is harmless. */
export type NewEvent = DecidedEvent & { readonly id: string; readonly metadata: EventMetadata };

/** What is read back. */
export type RecordedEvent = NewEvent & {
  readonly stream: string;
  /** Revision in its stream, 0 first. */
  readonly version: number;
  readonly position: Position;
};

export type EventOf<Type extends EventType> = Extract<RecordedEvent, { type: Type }>;

/** An event whose data this program cannot read: written by a newer version, or damaged. */
export interface UnreadableEvent {
  readonly type: 'Unreadable';
  readonly id: string;
  /** The name and version it has in the log. */
  readonly recordedType: string;
  readonly recordedV: number;
  readonly stream: string;
  readonly version: number;
  readonly position: Position;
  /** EVENT_UNREADABLE */
  readonly error: HoldfastError;
}

export type LogEntry = RecordedEvent | UnreadableEvent;

/** Ids of new events are ordered by time, which keeps the log's id index compact. */
export const newEventId = (): string => uuidV7();

const ID_NAMESPACE = '0f0b7a4e-5d0c-4c52-9d52-4f2d6c1f9a10';
/** The same parts give the same id, for events whose append may be repeated by another process. */
export const derivedEventId = (...parts: readonly string[]): string =>
  uuidV5(JSON.stringify(parts), ID_NAMESPACE);

/**
 * Checks an event before it is written.
 * @returns the version of its shape, and its data as JSON text
 * @throws  EVENT_INVALID
 */
export function encodeEvent(event: NewEvent): { v: number; data: string; metadata: string } {
  const definition: EventDefinition = EVENT_DEFINITIONS[event.type];
  const data = definition.schema.safeParse(event.data);
  const metadata = metadataSchema.safeParse(event.metadata);
  if (data.success && metadata.success) {
    return { v: definition.v, data: JSON.stringify(data.data), metadata: JSON.stringify(metadata.data) };
  }
  const problem = [data.error, metadata.error]
    .flatMap((error) => (error ? [z.prettifyError(error)] : []))
    .join(' ');
  throw new HoldfastError(
    'EVENT_INVALID',
    `A ${event.type} was about to be written that breaks its own schema: ${problem}`,
    {
      context: { type: event.type },
    },
  );
}

/**
 * Checks an event that was read, after bringing an older shape up to date.
 * @returns the event, or an {@link UnreadableEvent} that says why it cannot be read; never throws
 */
export function decodeEvent(raw: {
  id: string;
  stream: string;
  version: number;
  position: Position;
  type: string;
  v: number;
  data: string;
  metadata: string;
  body?: Uint8Array;
}): LogEntry {
  const { id, stream, version, position } = raw;
  try {
    const definition: EventDefinition | undefined = Object.hasOwn(EVENT_DEFINITIONS, raw.type)
      ? EVENT_DEFINITIONS[raw.type as EventType]
      : undefined;
    if (definition === undefined) throw new Error(`this version of Holdfast knows no event of that name`);
    const data = definition.schema.parse(upcast(definition, raw.v, JSON.parse(raw.data)));
    const metadata = metadataSchema.parse(JSON.parse(raw.metadata));
    const body = raw.body === undefined ? {} : { body: raw.body };
    return { id, stream, version, position, type: raw.type, data, metadata, ...body } as RecordedEvent;
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    const error = new HoldfastError(
      'EVENT_UNREADABLE',
      `The event ${raw.type} (v${raw.v}) at position ${position}, version ${version} of ${stream}, cannot be read: ${why}. If a newer Holdfast wrote it, run that one.`,
      { context: { stream, version, position, type: raw.type, v: raw.v }, cause },
    );
    return {
      type: 'Unreadable',
      id,
      recordedType: raw.type,
      recordedV: raw.v,
      stream,
      version,
      position,
      error,
    };
  }
}

function upcast(definition: EventDefinition, from: number, data: unknown): unknown {
  if (from > definition.v) {
    throw new Error(`its shape has version ${from}, this version of Holdfast knows up to ${definition.v}`);
  }
  let current = data;
  for (let v = from; v < definition.v; v += 1) {
    const step = definition.upcasters?.[v];
    if (step === undefined) throw new Error(`there is no way from version ${v} of its shape to ${v + 1}`);
    current = step(current);
  }
  return current;
}
