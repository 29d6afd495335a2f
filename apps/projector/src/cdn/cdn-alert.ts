import { alertStream, type DecidedEvent, type HoldfastError, newEventId } from '@holdfast/domain';
import type { Clock, EventStore } from '@holdfast/domain';
import { Turns } from '../runtime/turns.ts';
import { untilAnswered } from '../runtime/until-answered.ts';

export interface CdnAlertPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly actor: string;
}

const SUBJECT = { code: 'CDN_UNREACHABLE', subject: '-' } as const;
const STREAM = alertStream(SUBJECT.code, SUBJECT.subject);
const MAX_MESSAGE_CHARS = 2_000;

/** Says in the log when the bucket begins to be out of reach and when that ends, once each, also across restarts. */
export class CdnAlert {
  readonly #ports: CdnAlertPorts;
  readonly #turns = new Turns();

  constructor(ports: CdnAlertPorts) {
    this.#ports = ports;
  }

  raise(why: HoldfastError, pending: number): Promise<void> {
    const message = `The bucket cannot be used, and replication waits: ${why.message}`;
    const data = {
      ...SUBJECT,
      severity: 'critical' as const,
      message: message.slice(0, MAX_MESSAGE_CHARS),
      details: { code: why.code, pending },
    };
    return this.#turns.take(() => this.#append({ type: 'AlertRaised', data }));
  }

  clear(): Promise<void> {
    const data = { ...SUBJECT, message: 'The bucket can be used again; replication goes on.' };
    return this.#turns.take(() => this.#append({ type: 'AlertCleared', data }));
  }

  async #append(event: DecidedEvent & { type: 'AlertRaised' | 'AlertCleared' }): Promise<void> {
    const { store, clock, actor } = this.#ports;
    const id = newEventId();
    const metadata = { correlationId: id, causationId: id, actor, at: clock.now().toISOString() };
    const page = await untilAnswered(this.#ports, () =>
      store.readStream(STREAM, { direction: 'backwards', maxCount: 1 }),
    );
    if (page === null) return;
    const isRaised = page[0]?.type === 'AlertRaised';
    if (isRaised === (event.type === 'AlertRaised')) return;
    await untilAnswered(this.#ports, () => store.append(STREAM, [{ ...event, id, metadata }], 'any'));
  }
}
