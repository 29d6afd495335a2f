import { setTimeout as sleep } from 'node:timers/promises';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { appendAnswer, expectedRevision, failure, proposedEvent, streamName, tooLarge } from './messages.ts';
import { PersistentSubscriptions } from './persistent-subscriptions.ts';
import { type ReadCall, serveRead, serveSubscription } from './serve-read.ts';
import { StoredLog } from './stored-log.ts';
import { openTcpGate, type TcpGate } from './tcp-gate.ts';

const MAX_MESSAGE_BYTES = 17 * 1024 * 1024;
const MAX_APPEND_BYTES = 1024 * 1024;

/** What every call is answered with until it is taken back. */
export type Refusal = 'not-ready' | 'not-leader' | 'access-denied';

/** Knobs, to be turned at any time. */
export interface ServerFaults {
  refusal: Refusal | null;
  /** Each call is served so much later. */
  delayMs: number;
  /** So many of the next appends are stored, and then the connection is cut in place of an answer. */
  loseAnswers: number;
  /** So many of the next appends are neither stored nor answered. */
  ignoreAppends: number;
  /** Whether subscribers are told that they have caught up: servers before 23.10 do not. */
  saysCaughtUp: boolean;
}

/**
 * A server that speaks EventStoreDB's protocol over a real socket, insecure: appends (one call each), reads
 * and subscriptions of streams and `$all`, `$maxCount` and `$tb`, and persistent subscriptions as far as who has one.
 * It has no batch append, no links and no cluster.
 */
export interface EventStoreDbServer {
  /** `esdb://127.0.0.1:<port>?tls=false` */
  readonly url: string;
  readonly faults: ServerFaults;
  /** How often each call was made, by its name: `Append`, `Read`, `Subscribe`; and `EventSent` in all of them. */
  readonly calls: Readonly<Record<string, number>>;
  /** Data and metadata of all events. */
  storedBytes(): number;
  connections(): number;
  /** Subscriptions that are served at this moment. */
  subscriptions(): number;
  /** The same of persistent ones. */
  persistentSubscribers(): number;
  /** Resets every connection. */
  cut(): void;
  /** Takes everything and answers nothing, until it is told `false`. */
  swallow(isOn: boolean): void;
  /** Ends every subscription as if all had been said: without an error. */
  endSubscriptions(): void;
  stop(): void;
  /** Starts again at the same address, with what was stored or with an empty log. */
  start(options: { keepData: boolean }): Promise<void>;
  close(): Promise<void>;
}

export async function startEventStoreDb(
  options: { maxAppendBytes?: number } = {},
): Promise<EventStoreDbServer> {
  const maxAppendBytes = options.maxAppendBytes ?? MAX_APPEND_BYTES;
  const server = new RunningServer(maxAppendBytes);
  await server.start({ keepData: false });
  await server.openGate();
  return server;
}

class RunningServer implements EventStoreDbServer {
  readonly faults: ServerFaults = {
    refusal: null,
    delayMs: 0,
    loseAnswers: 0,
    ignoreAppends: 0,
    saysCaughtUp: true,
  };
  readonly calls: Record<string, number> = {};
  readonly #maxAppendBytes: number;
  readonly #subscribers = new Set<ReadCall>();
  /** Groups outlive a restart as events do. */
  #persistent = this.#noGroups();
  #log: StoredLog;
  #server: Server | null = null;
  #port = 0;
  #gate: TcpGate | null = null;

  constructor(maxAppendBytes: number) {
    this.#maxAppendBytes = maxAppendBytes;
    this.#log = new StoredLog(maxAppendBytes);
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.#gate?.port ?? 0}?tls=false`;
  }

  storedBytes(): number {
    return this.#log.events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
  }

  connections(): number {
    return this.#gate?.connections() ?? 0;
  }

  subscriptions(): number {
    return this.#subscribers.size;
  }

  persistentSubscribers(): number {
    return this.#persistent.subscribers;
  }

  cut(): void {
    this.#gate?.cut();
  }

  swallow(isOn: boolean): void {
    this.#gate?.swallow(isOn);
  }

  endSubscriptions(): void {
    for (const call of this.#subscribers) call.end();
    this.#persistent.end();
  }

  stop(): void {
    this.#server?.forceShutdown();
    this.#server = null;
    this.cut();
  }

  async start({ keepData }: { keepData: boolean }): Promise<void> {
    if (!keepData) {
      this.#log = new StoredLog(this.#maxAppendBytes);
      this.#persistent = this.#noGroups();
    }
    const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
    server.addService(streamsGrpc.StreamsService, {
      read: (call: ReadCall) => void this.#read(call),
      append: (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>) =>
        void this.#append(call, answer),
    });
    server.addService(persistentGrpc.PersistentSubscriptionsService, {
      create: (...call: Parameters<PersistentSubscriptions['create']>) =>
        void this.#persistent.create(...call),
      read: (call: Parameters<PersistentSubscriptions['read']>[0]) => {
        this.#persistent.read(call);
      },
    });
    server.addService(featuresGrpc.ServerFeaturesService, {
      getSupportedMethods: (_call: unknown, answer: sendUnaryData<unknown>) => {
        const supported = new features.SupportedMethods();
        supported.setEventStoreServerVersion('23.10.0');
        answer(null, supported);
      },
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#server = server;
  }

  async openGate(): Promise<void> {
    this.#gate = await openTcpGate(() => this.#port);
  }

  async close(): Promise<void> {
    this.stop();
    await this.#gate?.close();
  }

  async #read(call: ReadCall): Promise<void> {
    const isSubscription = call.request.getOptions()?.hasSubscription() === true;
    this.#count(isSubscription ? 'Subscribe' : 'Read');
    const onEvent = (): void => {
      this.#count('EventSent');
    };
    try {
      await this.#admit();
      if (!isSubscription) {
        await serveRead(call, this.#log, onEvent);
        return;
      }
      this.#subscribers.add(call);
      for (const ended of ['cancelled', 'close', 'finish']) {
        call.on(ended, () => this.#subscribers.delete(call));
      }
      await serveSubscription(call, this.#log, { hasCaughtUp: this.faults.saysCaughtUp, onEvent });
    } catch (error) {
      call.emit('error', error);
    }
  }

  async #append(
    call: ServerReadableStream<AppendReq, AppendResp>,
    answer: sendUnaryData<AppendResp>,
  ): Promise<void> {
    this.#count('Append');
    try {
      const requests = (await call.toArray()) as AppendReq[];
      await this.#admit();
      if (this.faults.ignoreAppends > 0) {
        this.faults.ignoreAppends -= 1;
        return;
      }
      const options = requests[0]?.getOptions() as AppendReq.Options;
      const expected = expectedRevision(options);
      const events = requests.slice(1).flatMap((request) => {
        const message = request.getProposedMessage();
        return message === undefined ? [] : [proposedEvent(message)];
      });
      const outcome = this.#log.append(streamName(options.getStreamIdentifier()), expected, events);
      if (outcome.kind === 'stored' && this.faults.loseAnswers > 0) {
        this.faults.loseAnswers -= 1;
        this.cut();
      } else if (outcome.kind === 'too-large') {
        answer(tooLarge(this.#maxAppendBytes));
      } else {
        answer(null, appendAnswer(outcome, expected));
      }
    } catch (error) {
      answer(error as ServiceError);
    }
  }

  #noGroups(): PersistentSubscriptions {
    return new PersistentSubscriptions(() => this.#admit());
  }

  #count(name: string): void {
    this.calls[name] = (this.calls[name] ?? 0) + 1;
  }

  async #admit(): Promise<void> {
    if (this.faults.delayMs > 0) await sleep(this.faults.delayMs);
    if (this.faults.refusal !== null) throw refusalOf(this.faults.refusal, this.#gate?.port ?? 0);
  }
}

/** @param leaderPort  where a client goes that is told that this is not the leader */
function refusalOf(refusal: Refusal, leaderPort: number): ServiceError {
  switch (refusal) {
    case 'not-ready':
      return failure(status.UNAVAILABLE, 'Server Is Not Ready');
    case 'not-leader':
      return failure(status.NOT_FOUND, 'Leader info available', {
        exception: 'not-leader',
        'leader-endpoint-host': '127.0.0.1',
        'leader-endpoint-port': String(leaderPort),
      });
    case 'access-denied':
      return failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
  }
}
