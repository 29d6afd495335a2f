import { eventTypeFilter, excludeSystemEvents, type Filter, streamNameFilter } from '@eventstore/db-client';
import type { EventType, LogFilter } from '@holdfast/domain';

/**
 * How much of its log the server looks through at a time. It says how far it is after each, so more would be quiet for long
 * beside a busy neighbour, and its own 32 are many words for little.
 */
const maxSearchWindow = 1_024;
const NOTHING = '\u0000';

/**
 * What the server is to send of a log among others: what passes, and perhaps more, as it filters by one of stream
 * and type only.
 * @param prefix  of the log's streams on the server
 */
export function serverFilter(filter: LogFilter | undefined, prefix: string): Filter {
  if (filter?.streamPrefixes !== undefined) {
    // A list of none lets nothing pass.
    const prefixes = filter.streamPrefixes.map((stream) => prefix + stream);
    return streamNameFilter({ prefixes: prefixes.length === 0 ? [NOTHING] : prefixes, maxSearchWindow });
  }
  if (prefix !== '') return streamNameFilter({ prefixes: [prefix], maxSearchWindow });
  if (filter?.types === undefined) return excludeSystemEvents({ maxSearchWindow });
  const prefixes = filter.types.length === 0 ? [NOTHING] : [...filter.types];
  return eventTypeFilter({ prefixes, maxSearchWindow });
}

export function passes(filter: LogFilter | undefined, type: string, stream: string): boolean {
  const isListed = filter?.types?.includes(type as EventType) ?? true;
  return isListed && (filter?.streamPrefixes?.some((prefix) => stream.startsWith(prefix)) ?? true);
}
