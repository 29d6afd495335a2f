import type { DueReplication } from '@holdfast/catalog';
import type { Clock, EventMetadata, EventStore, Position } from '@holdfast/domain';
import { untilAnswered } from '../runtime/until-answered.ts';
import type { Taken } from './due-paths.ts';

type Cause = Omit<EventMetadata, 'at'>;

/**
 * Reads what the attempts follow from, so that an audit finds the request behind an upload.
 * @returns metadata for what is recorded of an attempt
 */
export async function readCauses(
  taken: readonly Taken[],
  actor: string,
  ports: { store: EventStore; clock: Clock; signal: AbortSignal },
): Promise<(due: DueReplication) => Cause> {
  const positions = taken.map(({ due }) => due.position);
  const events = await untilAnswered(ports, () => ports.store.readAt(positions));
  const causes = new Map<Position, Cause>();
  for (const event of events ?? []) {
    if (event.type === 'Unreadable') continue;
    const { correlationId, traceparent } = event.metadata;
    const trace = traceparent === undefined ? {} : { traceparent };
    causes.set(event.position, { correlationId, causationId: event.id, actor, ...trace });
  }
  return ({ position }) => causes.get(position) ?? { correlationId: position, causationId: position, actor };
}
