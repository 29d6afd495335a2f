import type { Clock, EventMetadata } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import { ACTOR } from './api.ts';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Who, when and why, for the events of a request. */
export function metadataOf({ id, headers }: FastifyRequest, clock: Clock): EventMetadata {
  const traceparent = headers['traceparent'];
  return {
    correlationId: id,
    causationId: id,
    actor: ACTOR,
    at: clock.now().toISOString(),
    ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  };
}
