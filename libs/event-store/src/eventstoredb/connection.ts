import {
  ANY,
  type AllStreamResolvedEvent,
  type AppendResult,
  BACKWARDS,
  END,
  ErrorType,
  type EventData,
  EventStoreDBClient,
  FORWARDS,
  type Filter,
  NO_STREAM,
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ReadAllOptions,
  type RecordedEvent,
  START,
} from '@eventstore/db-client';
import { type Direction, HoldfastError } from '@holdfast/domain';
import { endSilentSockets } from './end-silent-sockets.ts';
import { readAllFiltered } from './filtered-read.ts';
import { LiveSource } from './live-source.ts';
import type { LogPlace } from './schema.ts';
import { unavailable } from './translate-error.ts';

/**
 * The client with what it lacks: a deadline on everything, an end to what is no longer wanted, and a close.
 * One connection serves one log; it is made again by the client when it is lost.
 */
export class Connection {
  /** Address for messages, without credentials. */
  readonly server: string;
  readonly #url: string;
  readonly #deadlineMs: number;
  readonly #credentials: { username: string; password: string } | undefined;
  readonly #sources = new Set<LiveSource>();
  #client: EventStoreDBClient;

  /** @throws CONFIG_INVALID */
  constructor(url: string, deadlineMs: number) {
    const { server, credentials } = partsOf(url);
    this.server = server;
    this.#url = url;
    this.#credentials = credentials;
    this.#deadlineMs = deadlineMs;
    try {
      this.#client = EventStoreDBClient.connectionString(url);
    } catch (cause) {
      throw new HoldfastError('CONFIG_INVALID', `The URL of the event log (${server}) cannot be used.`, {
        cause,
      });
    }
  }

  /** Appends in a call of its own: the client's shared one has no deadline, and its errors reach other appends. */
  async append(
    stream: string,
    events: EventData[],
    expected: bigint | 'none' | 'any',
  ): Promise<AppendResult> {
    const expectedRevision = expected === 'none' ? NO_STREAM : expected === 'any' ? ANY : expected;
    return await this.inTime(
      this.#call((client) =>
        client.appendToStream(stream, events, {
          expectedRevision,
          deadline: this.#deadlineMs,
          requiresLeader: true,
          ...(this.#credentials === undefined ? {} : { credentials: this.#credentials }),
        }),
      ),
    );
  }

  /** From `$maxCount` on the server; null where it is not set. */
  async maxCountOf(stream: string): Promise<number | null> {
    const { metadata } = await this.inTime(
      this.#call((client) => client.getStreamMetadata(stream, { requiresLeader: true })),
    );
    return metadata?.maxCount ?? null;
  }

  async setMaxCount(stream: string, maxCount: number): Promise<void> {
    const credentials = this.#credentials === undefined ? {} : { credentials: this.#credentials };
    await this.inTime(this.#call((client) => client.setStreamMetadata(stream, { maxCount }, credentials)));
  }

  /** Reads one stream; nothing where there is none. */
  async *readStream(
    stream: string,
    options: { direction: Direction; fromRevision: bigint | null; maxCount: number },
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    const isForwards = options.direction === 'forwards';
    const read = this.#call((client) =>
      client.readStream(stream, {
        direction: isForwards ? FORWARDS : BACKWARDS,
        fromRevision: options.fromRevision ?? (isForwards ? START : END),
        maxCount: options.maxCount,
        requiresLeader: true,
      }),
    );
    try {
      for await (const { event } of this.#guarded(read, options.maxCount))
        if (event !== undefined) yield event;
    } catch (error) {
      if ((error as { type?: string }).type !== ErrorType.STREAM_NOT_FOUND) throw error;
    }
  }

  /**
   * Reads the whole server: forwards the place is included, backwards it is not; null is the end that comes first.
   * @param filter  what does not pass is not sent
   */
  async *readAll(
    { direction, from, maxCount }: { direction: Direction; from: LogPlace | null; maxCount: number },
    filter?: Filter,
  ): AsyncGenerator<AllStreamResolvedEvent, void, undefined> {
    const isForwards = direction === 'forwards';
    const options: ReadAllOptions = {
      direction: isForwards ? FORWARDS : BACKWARDS,
      fromPosition: from ?? (isForwards ? START : END),
      maxCount,
      requiresLeader: true,
    };
    const read = this.#call((client) =>
      filter === undefined ? client.readAll(options) : readAllFiltered(client, options, filter),
    );
    yield* this.#guarded(read, maxCount);
  }

  /** Everything after the place that passes the filter, as it comes. */
  subscribe(after: LogPlace, filter: Filter): LiveSource {
    const source = new LiveSource(
      this.#call((client) =>
        client.subscribeToAll(
          { fromPosition: after, filter, requiresLeader: true },
          { highWaterMark: HIGH_WATER_MARK },
        ),
      ),
      () => this.#sources.delete(source),
    );
    this.#sources.add(source);
    return source;
  }

  /** Makes a persistent subscription that one subscriber has at a time, where there is none. Needs the group `$ops` or `$admins`. */
  async createSingleSubscription(stream: string, group: string): Promise<void> {
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ maxSubscriberCount: 1 });
    try {
      await this.inTime(
        this.#call((client) => client.createPersistentSubscriptionToStream(stream, group, settings)),
      );
    } catch (error) {
      if ((error as { type?: string }).type !== ErrorType.PERSISTENT_SUBSCRIPTION_EXISTS) throw error;
    }
  }

  subscribeSingle(stream: string, group: string): PersistentSubscriptionToStream {
    return this.#call((client) => client.subscribeToPersistentSubscriptionToStream(stream, group));
  }

  /** Leaves nothing on the server. */
  async close(): Promise<void> {
    for (const source of [...this.#sources]) await source.close();
    await this.inTime(this.#client.dispose()).catch(() => undefined);
    // The client has no way to close its channel, which would keep the connection for half an hour.
    await this.inTime(this.#call(channelOf)).then(
      (channel) => {
        channel.close();
      },
      () => undefined,
    );
  }

  /** Every use of the client that may make a connection. */
  #call<T>(use: (client: EventStoreDBClient) => T): T {
    return endSilentSockets(this.#deadlineMs, () => use(this.#client));
  }

  async *#guarded<Event>(read: Reading<Event>, maxCount: number): AsyncGenerator<Event, void, undefined> {
    const client = this.#client;
    let isLate = false;
    let expire = (): void => undefined;
    const expired = new Promise<never>((_, reject) => {
      expire = (): void => {
        isLate = true;
        reject(this.#late(client));
      };
    });
    expired.catch(() => undefined);
    const timer = setTimeout(expire, this.#deadlineMs);
    read.on('error', () => undefined);
    const events = read.iterator({ destroyOnReturn: false });
    let hasEnded = false;
    let left = maxCount;
    try {
      for (;;) {
        const next = events.next();
        next.catch(() => {
          hasEnded = true;
        });
        const step = await Promise.race([next, expired]);
        hasEnded = step.done === true;
        if (step.done === true) return;
        left -= 1;
        yield step.value;
        timer.refresh();
      }
    } finally {
      clearTimeout(timer);
      // Whoever only stops iterating leaves the call open on the server. A call that has failed is over there, and one
      // with little left soon is: to cancel these too would be a reset for each small read, and servers end connections
      // with many of those.
      if (!hasEnded && (isLate || left > FEW_LEFT)) void read.cancel().catch(() => undefined);
      // One that the server has ended stays open here until it is read to its end.
      read.resume();
    }
  }

  /** @throws EVENT_STORE_UNAVAILABLE where it takes longer than any call may */
  async inTime<T>(call: Promise<T>): Promise<T> {
    const client = this.#client;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(this.#late(client));
      }, this.#deadlineMs);
    });
    try {
      return await Promise.race([call, expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param client  the one that was called */
  #late(client: EventStoreDBClient): HoldfastError {
    void this.#connectAnew(client).catch(() => undefined);
    return unavailable(this.server, 'in time', `nothing came within ${this.#deadlineMs} ms`);
  }

  /**
   * gRPC waits for ever for a server that takes the connection and then says nothing. So where one is still being made
   * when a call has run out of time, the client is replaced by one that makes another.
   */
  async #connectAnew(client: EventStoreDBClient): Promise<void> {
    if (client !== this.#client) return;
    const channel = await this.#call(channelOf);
    if (client !== this.#client || channel.getConnectivityState(false) !== CONNECTING) return;
    this.#client = EventStoreDBClient.connectionString(this.#url);
    closeConnecting(channel);
  }
}

/** gRPC's number for a channel that is not connected yet, and does not know that it cannot be. */
const CONNECTING = 1;

interface Channel {
  getConnectivityState(connect: boolean): number;
  close(): void;
  readonly internalChannel: {
    readonly wrappedSubchannels: ReadonlySet<{
      readonly child: {
        /** Of the channels of this process that have it too. */
        readonly refcount: number;
        readonly connector: { readonly session: { destroy(): void } | null };
      };
    }>;
  };
}

/** gRPC itself ends connections that have been made only. One that is in TLS's part has no session: it ends as a silent socket. */
function closeConnecting(channel: Channel): void {
  const connecting = [...channel.internalChannel.wrappedSubchannels].map(({ child }) => child);
  channel.close();
  for (const { refcount, connector } of connecting) if (refcount === 0) connector.session?.destroy();
}

/** Rejects where the client does not find the server of a cluster. */
const channelOf = (client: EventStoreDBClient): Promise<Channel> =>
  (client as unknown as { getChannel: () => Promise<Channel> }).getChannel();

/** Events that wait for a consumer, besides what gRPC holds. */
const HIGH_WATER_MARK = 64;

/** So many events are sooner read than refused. */
const FEW_LEFT = 16;

interface Reading<Event> {
  iterator(options: { destroyOnReturn: boolean }): AsyncIterator<Event>;
  on(event: 'error', listener: () => void): unknown;
  cancel(): Promise<void>;
  resume(): unknown;
}

/** Credentials per call are what makes the client append in a call of its own; over an insecure connection it sends none. */
function partsOf(url: string): { server: string; credentials?: { username: string; password: string } } {
  const match =
    /^(?<scheme>[a-z+]+:\/\/)(?:(?<user>[^:@/]*):(?<password>[^@/]*)@)?(?<hosts>[^/?]*)(?<rest>.*)$/.exec(
      url,
    );
  const { user, password, hosts = '', rest = '' } = match?.groups ?? {};
  if (user !== undefined && password !== undefined) {
    const credentials = { username: decodeURIComponent(user), password: decodeURIComponent(password) };
    return { server: hosts, credentials };
  }
  return /[?&]tls=false\b/i.test(rest)
    ? { server: hosts, credentials: { username: 'none', password: 'none' } }
    : { server: hosts };
}
