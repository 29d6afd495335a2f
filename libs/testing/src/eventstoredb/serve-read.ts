import { randomUUID } from 'node:crypto';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  failure,
  notFoundMessage,
  streamName,
} from './messages.ts';
import type { StoredEvent, StoredLog } from './stored-log.ts';

export type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** How many events a filtered subscription looks at, times the asked-for interval, before it tells how far it is. */
const DEFAULT_WINDOW = 32;

/**
 * Reads a stream or the whole log: forwards the start is included, backwards from a position of `$all` it is not.
 * @param onEvent  told of each event that is sent
 */
export async function serveRead(call: ReadCall, log: StoredLog, onEvent: () => void): Promise<void> {
  const options = call.request.getOptions() as ReadReq.Options;
  const outlet = new Outlet(call);
  const events = options.hasAll() ? wholeLog(options, log) : oneStream(options, log);
  if (events === null) {
    await outlet.write(notFoundMessage(options.getStream()?.getStreamIdentifier()));
  } else {
    let left = Number(options.getCount());
    for (const event of events) {
      if (left === 0) break;
      if (isOver(call)) return;
      left -= 1;
      onEvent();
      await outlet.write(eventMessage(event));
    }
  }
  call.end();
}

/**
 * @param hasCaughtUp  whether it says so: servers before 23.10 do not
 * @param onEvent      told of each event that is sent
 */
export async function serveSubscription(
  call: ReadCall,
  log: StoredLog,
  { hasCaughtUp, onEvent }: { hasCaughtUp: boolean; onEvent: () => void },
): Promise<void> {
  const options = call.request.getOptions() as ReadReq.Options;
  const all = options.getAll() as ReadReq.Options.AllOptions;
  const outlet = new Outlet(call);
  const filter = options.getFilter();
  const passes = matcher(filter);
  const window = filter?.hasMax() === true ? filter.getMax() : DEFAULT_WINDOW;
  const lookedPerCheckpoint = (filter?.getCheckpointintervalmultiplier() ?? Infinity) * window;
  let index = firstAfter(all, log);
  let looked = 0;
  let isFirstEnd = true;

  await outlet.write(confirmationMessage(randomUUID()));
  while (!isOver(call)) {
    const event = log.events[index];
    if (event === undefined) {
      if (isFirstEnd) {
        const last = log.events[index - 1];
        if (filter !== undefined && last !== undefined) await outlet.write(checkpointMessage(last.position));
        if (hasCaughtUp) await outlet.write(caughtUpMessage());
      }
      isFirstEnd = false;
      if (log.events.length === index) await outlet.appended(log);
      continue;
    }
    index += 1;
    looked += 1;
    if (passes(event)) {
      onEvent();
      await outlet.write(eventMessage(event));
    }
    if (looked >= lookedPerCheckpoint) {
      looked = 0;
      await outlet.write(checkpointMessage(event.position));
    }
  }
}

const isOver = (call: ReadCall): boolean => call.cancelled || call.writableEnded;

/** Writes no faster than the client reads. */
class Outlet {
  readonly #call: ReadCall;
  #wake = (): void => undefined;

  constructor(call: ReadCall) {
    this.#call = call;
    const wake = (): void => {
      this.#wake();
    };
    for (const event of ['drain', 'cancelled', 'finish', 'close']) call.on(event, wake);
  }

  async write(message: ReadResp): Promise<void> {
    if (isOver(this.#call) || this.#call.write(message)) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  async appended(log: StoredLog): Promise<void> {
    await new Promise<void>((resolve) => {
      const stopListening = log.onAppend(() => {
        this.#wake();
      });
      this.#wake = (): void => {
        stopListening();
        resolve();
      };
    });
  }
}

const isBackwards = (options: ReadReq.Options): boolean =>
  options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;

function oneStream(options: ReadReq.Options, log: StoredLog): Iterable<StoredEvent> | null {
  const from = options.getStream() as ReadReq.Options.StreamOptions;
  const stream = log.stream(streamName(from.getStreamIdentifier()));
  if (stream === null) return null;
  const start = from.hasStart() ? 0 : from.hasEnd() ? Infinity : Number(from.getRevision());
  return isBackwards(options)
    ? downwards(stream.events, Math.min(start, stream.events.length - 1), stream.firstShown)
    : upwards(stream.events, Math.max(start, stream.firstShown));
}

function* wholeLog(options: ReadReq.Options, log: StoredLog): Iterable<StoredEvent> {
  const from = options.getAll() as ReadReq.Options.AllOptions;
  const start = from.hasStart() ? 0 : from.hasEnd() ? log.events.length : placeOf(from, log);
  const passes = matcher(options.getFilter());
  const events = isBackwards(options) ? downwards(log.events, start - 1, 0) : upwards(log.events, start);
  for (const event of events) if (passes(event)) yield event;
}

/** @param first  an index; what is appended meanwhile is none of it */
function* upwards(events: readonly StoredEvent[], first: number): Iterable<StoredEvent> {
  const end = events.length;
  for (let index = first; index < end; index += 1) yield events[index] as StoredEvent;
}

function* downwards(events: readonly StoredEvent[], first: number, last: number): Iterable<StoredEvent> {
  for (let index = first; index >= last; index -= 1) yield events[index] as StoredEvent;
}

function placeOf(from: ReadReq.Options.AllOptions, log: StoredLog): number {
  const position = BigInt(from.getPosition()?.getCommitPosition() ?? 0);
  const index = log.indexOf(position);
  const found = log.events[index];
  if (found !== undefined && found.position !== position) {
    throw failure(status.INVALID_ARGUMENT, `Invalid position ${position}`);
  }
  return index;
}

/** A position past the end is taken without a word, and nothing comes until the log has grown past it. */
function firstAfter(all: ReadReq.Options.AllOptions, log: StoredLog): number {
  if (all.hasStart()) return 0;
  return all.hasEnd()
    ? log.events.length
    : log.indexOf(BigInt(all.getPosition()?.getCommitPosition() ?? 0) + 1n);
}

function matcher(filter: ReadReq.Options.FilterOptions | undefined): (event: StoredEvent) => boolean {
  if (filter === undefined) return () => true;
  if (!filter.hasMax() && !filter.hasCount()) throw failure(status.INVALID_ARGUMENT, 'No window');
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const regex = expression?.getRegex() ? new RegExp(expression.getRegex()) : null;
  const prefixes = expression?.getPrefixList() ?? [];
  return (event) => {
    const text = filter.hasStreamIdentifier() ? event.stream : event.type;
    return regex === null ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text);
  };
}
