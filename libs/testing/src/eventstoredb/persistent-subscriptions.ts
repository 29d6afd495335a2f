import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import persistent from '@eventstore/db-client/generated/persistent_pb.js';
import type {
  CreateReq,
  CreateResp,
  ReadReq,
  ReadResp,
} from '@eventstore/db-client/generated/persistent_pb.js';
import { failure, streamName } from './messages.ts';

type SubscriberCall = ServerDuplexStream<ReadReq, ReadResp>;

interface Group {
  readonly maxSubscribers: number;
  readonly subscribers: Set<SubscriberCall>;
}

/**
 * Persistent subscriptions to streams that never get an event: who may subscribe, and who has. No event is ever sent.
 */
export class PersistentSubscriptions {
  readonly #groups = new Map<string, Group>();
  readonly #admit: () => Promise<void>;

  /** @param admit  throws what every call is refused with */
  constructor(admit: () => Promise<void>) {
    this.#admit = admit;
  }

  get subscribers(): number {
    return [...this.#groups.values()].reduce((sum, { subscribers }) => sum + subscribers.size, 0);
  }

  /** As a server does that loses its leader: every subscriber is told nothing but the end. */
  end(): void {
    for (const { subscribers } of this.#groups.values()) for (const call of subscribers) call.end();
  }

  async create(
    call: ServerUnaryCall<CreateReq, CreateResp>,
    answer: sendUnaryData<CreateResp>,
  ): Promise<void> {
    try {
      await this.#admit();
      const options = call.request.getOptions() as CreateReq.Options;
      const name = keyOf(streamName(options.getStreamIdentifier()), options.getGroupName());
      if (this.#groups.has(name)) {
        throw failure(status.ALREADY_EXISTS, `Subscription group ${name} exists.`, {
          exception: 'persistent-subscription-exists',
        });
      }
      const maxSubscribers = options.getSettings()?.getMaxSubscriberCount() ?? 0;
      this.#groups.set(name, { maxSubscribers, subscribers: new Set() });
      answer(null, new persistent.CreateResp());
    } catch (error) {
      answer(error as ServiceError);
    }
  }

  read(call: SubscriberCall): void {
    call.on('error', () => undefined);
    call.once('data', (request: ReadReq) => void this.#subscribe(call, request.getOptions()));
    call.on('end', () => {
      call.end();
    });
  }

  async #subscribe(call: SubscriberCall, options: ReadReq.Options | undefined): Promise<void> {
    try {
      await this.#admit();
      const name = keyOf(streamName(options?.getStreamIdentifier()), options?.getGroupName() ?? '');
      const group = this.#groups.get(name);
      if (group === undefined) {
        throw failure(status.NOT_FOUND, `Subscription group ${name} does not exist.`, {
          exception: 'persistent-subscription-does-not-exist',
        });
      }
      const { subscribers, maxSubscribers } = group;
      if (maxSubscribers > 0 && subscribers.size >= maxSubscribers) {
        throw failure(status.FAILED_PRECONDITION, `Maximum subscriptions reached for ${name}.`, {
          exception: 'maximum-subscribers-reached',
        });
      }
      subscribers.add(call);
      for (const ended of ['cancelled', 'close', 'finish']) call.on(ended, () => subscribers.delete(call));
      const [confirmation, message] = [
        new persistent.ReadResp.SubscriptionConfirmation(),
        new persistent.ReadResp(),
      ];
      confirmation.setSubscriptionId(name);
      message.setSubscriptionConfirmation(confirmation);
      call.write(message);
    } catch (error) {
      call.emit('error', error);
    }
  }
}

const keyOf = (stream: string, group: string): string => `${stream}::${group}`;
