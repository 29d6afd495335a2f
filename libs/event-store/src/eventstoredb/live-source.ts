import type { AllStreamResolvedEvent, AllStreamSubscription } from '@eventstore/db-client';

/** A subscription that is pulled: the server sends no more than fits between it and the consumer. */
export class LiveSource {
  readonly #subscription: AllStreamSubscription;
  readonly #onClose: () => void;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  #hasRung = false;

  constructor(subscription: AllStreamSubscription, onClose: () => void) {
    this.#subscription = subscription;
    this.#onClose = onClose;
    subscription.on('error', (error: Error) => {
      this.#failure ??= error;
      this.ring();
    });
    for (const event of ['end', 'close'] as const) {
      subscription.on(event, () => {
        this.#failure ??= new Error('the subscription was ended without a reason');
        this.ring();
      });
    }
    subscription.on('readable', () => {
      this.ring();
    });
  }

  /** Why nothing more comes; null while something may. What is buffered counts no more once this is set. */
  get failure(): Error | null {
    return this.#failure;
  }

  read(): AllStreamResolvedEvent | null {
    return this.#subscription.read() as AllStreamResolvedEvent | null;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves when there is something to look at since the last wait, or after `ms`. */
  async rung(ms: number): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#hasRung = false;
  }

  /** Ends it on the server: neither leaving the loop nor destroying the stream does. */
  async close(): Promise<void> {
    this.#onClose();
    await this.#subscription.unsubscribe().catch(() => undefined);
    this.#subscription.destroy();
  }
}
