import type { Clock, EventMetadata } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import { actorOf } from './api.ts';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Who, when and why, for the events of a request. */
export function metadataOf(request: FastifyRequest, clock: Clock): EventMetadata {
  const { id, headers } = request;
  const traceparent = headers['traceparent'];
  return {
    correlationId: id,
    causationId: id,
    actor: actorOf(request),
    at: clock.now().toISOString(),
    ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  };
}
