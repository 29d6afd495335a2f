import { createParser } from 'eventsource-parser';
import { send } from './client.ts';
import { ApiProblem } from './problem.ts';
import { session } from './session.ts';

export interface LiveEvent {
  readonly event: string;
  readonly data: unknown;
}

export type LiveState =
  | { readonly is: 'connecting' }
  | { readonly is: 'live' }
  /** Nobody looks at the page; it takes one of the few connections a browser has for a server. */
  | { readonly is: 'paused' }
  | { readonly is: 'down'; readonly since: Date; readonly retryAt: Date; readonly error: unknown };

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** The API says every 15 s that it is there. */
const SILENT_MS = 40_000;
const UNSEEN_MS = 60_000;

/**
 * `/v1/live` for the whole page, over `fetch`, as an EventSource sends no token. It resumes after the last event it
 * was told of, with longer and longer waits between attempts, and lets go while nobody sees the page.
 */
export class LiveConnection {
  readonly #onEvent: (event: LiveEvent) => void;
  readonly #listeners = new Set<() => void>();
  #state: LiveState = { is: 'connecting' };
  #lastId: string | null = null;
  #failures = 0;
  #connection: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unseen: ReturnType<typeof setTimeout> | undefined;

  /** @param onEvent  `resumed` is told too, when it is back after having been away */
  constructor(onEvent: (event: LiveEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** @returns how to end it for good */
  start(): () => void {
    const onVisibility = (): void => {
      clearTimeout(this.#unseen);
      if (document.hidden) this.#unseen = setTimeout(() => this.#pause(), UNSEEN_MS);
      else if (this.#state.is === 'paused' || this.#state.is === 'down') this.connect();
    };
    const onOnline = (): void => this.connect();
    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('online', onOnline);
    const forget = session.subscribe(() => {
      if (!session.isRefused()) this.connect();
    });
    this.connect();
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('online', onOnline);
      forget();
      clearTimeout(this.#unseen);
      this.#end();
    };
  }

  readonly state = (): LiveState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Now, whatever was waited for. */
  readonly connect = (): void => {
    this.#end();
    const connection = new AbortController();
    this.#connection = connection;
    this.#run(connection).catch((error: unknown) => {
      if (connection.signal.aborted) return;
      connection.abort();
      this.#goDown(error);
    });
  };

  async #run(connection: AbortController): Promise<void> {
    const { signal } = connection;
    const headers = {
      accept: 'text/event-stream',
      ...(this.#lastId === null ? {} : { 'last-event-id': this.#lastId }),
    };
    let watchdog = setTimeout(() => connection.abort(), SILENT_MS);
    const parser = createParser({
      onEvent: ({ id, event = 'message', data }) => {
        if (id !== undefined && id !== '') this.#lastId = id;
        this.#onEvent({ event, data: JSON.parse(data) as unknown });
      },
    });
    try {
      const response = await send('/v1/live', { headers, signal });
      const wasAway = this.#state.is === 'down' || this.#state.is === 'paused';
      this.#failures = 0;
      this.#become({ is: 'live' });
      if (wasAway) this.#onEvent({ event: 'resumed', data: null });
      const decoder = new TextDecoder();
      const reader = response.body!.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error('The server ended the stream.');
        clearTimeout(watchdog);
        watchdog = setTimeout(() => connection.abort(), SILENT_MS);
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      // The watchdog's abort is a failure too; only one that was replaced is not.
      if (this.#connection === connection) this.#goDown(error);
    } finally {
      clearTimeout(watchdog);
    }
  }

  #goDown(error: unknown): void {
    this.#connection = null;
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
    this.#failures += 1;
    const since = this.#state.is === 'down' ? this.#state.since : new Date();
    const isRefused = error instanceof ApiProblem && error.status === 401;
    this.#become({ is: 'down', since, retryAt: new Date(Date.now() + waitMs), error });
    // A new token starts it again.
    if (!isRefused) this.#timer = setTimeout(this.connect, waitMs);
  }

  #pause(): void {
    this.#end();
    this.#become({ is: 'paused' });
  }

  #end(): void {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = null;
    connection?.abort();
  }

  #become(state: LiveState): void {
    this.#state = state;
    this.#listeners.forEach((listener) => listener());
  }
}
