import {
  type AllStreamResolvedEvent,
  EVENT_TYPE,
  type EventStoreDBClient,
  type Filter,
  type ReadAllOptions,
  type StreamingRead,
} from '@eventstore/db-client';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';

/** The part of the client that makes a call: it hands a stub of the service to `call` once it is connected. */
interface CallMaker {
  GRPCStreamCreator(service: unknown, name: string, call: (stub: Stub) => unknown): unknown;
}

interface Stub {
  read(request: ReadReq, ...rest: unknown[]): unknown;
}

/**
 * Reads of `$all` that the server filters. It always could, but this client asks for it in subscriptions alone: so the
 * filter is put into the request that its `readAll` makes.
 */
export function readAllFiltered(
  client: EventStoreDBClient,
  options: ReadAllOptions,
  filter: Filter,
): StreamingRead<AllStreamResolvedEvent> {
  const maker = client as unknown as CallMaker;
  const create: CallMaker['GRPCStreamCreator'] = (service, name, call) =>
    maker.GRPCStreamCreator(service, name, (stub) =>
      call({ read: (request, ...rest) => stub.read(withFilter(request, filter), ...rest) }),
    );
  const filtering = Object.create(client, { GRPCStreamCreator: { value: create } }) as EventStoreDBClient;
  return filtering.readAll(options);
}

function withFilter(request: ReadReq, filter: Filter): ReadReq {
  const expression = new streams.ReadReq.Options.FilterOptions.Expression();
  if ('prefixes' in filter) expression.setPrefixList(filter.prefixes);
  else expression.setRegex(filter.regex);
  const asked = new streams.ReadReq.Options.FilterOptions();
  if (filter.filterOn === EVENT_TYPE) asked.setEventType(expression);
  else asked.setStreamIdentifier(expression);
  if (filter.maxSearchWindow !== undefined) asked.setMax(filter.maxSearchWindow);
  asked.setCheckpointintervalmultiplier(filter.checkpointInterval);
  request.getOptions()?.setFilter(asked);
  return request;
}
