import { HoldfastError } from '../errors.ts';
import type { AppendOptions, Appended, EventStore, ExpectedVersion } from '../ports/event-store.ts';
import type { NewEvent } from '../events.ts';
import type { ObjectStore } from '../ports/object-store.ts';

export interface Fault {
  /** How many calls, from now on, go through first. Default 0. */
  readonly after?: number;
  /** How many fail then. Default 1. */
  readonly times?: number;
  /** `answer`: the call is carried out, and then fails all the same. Default `call`: it is not carried out. */
  readonly lose?: 'call' | 'answer';
  /** What is thrown; by default the port's own transient error. */
  readonly error?: Error;
  /** Only calls whose first argument is this (the key of a put, get or head). */
  readonly key?: string;
}

interface Planned {
  after: number;
  times: number;
  readonly lose: 'call' | 'answer';
  readonly error: Error;
  readonly key: string | null;
}

/** Counts the calls of one method and says which of them fail. */
class Faults<Method extends string> {
  readonly #planned = new Map<Method, Planned[]>();
  readonly #defaultError: (lost: 'call' | 'answer') => Error;

  constructor(defaultError: (lost: 'call' | 'answer') => Error) {
    this.#defaultError = defaultError;
  }

  plan(method: Method, fault: Fault): void {
    const { after = 0, times = 1, lose = 'call', error = this.#defaultError(lose), key = null } = fault;
    this.#planned.set(method, [...(this.#planned.get(method) ?? []), { after, times, lose, error, key }]);
  }

  clear(): void {
    this.#planned.clear();
  }

  async run<T>(method: Method, call: () => Promise<T>, key: string | null = null): Promise<T> {
    const fault = this.#next(method, key);
    if (fault?.lose === 'call') throw fault.error;
    const answer = await call();
    if (fault !== undefined) throw fault.error;
    return answer;
  }

  #next(method: Method, called: string | null): Planned | undefined {
    const fault = this.#planned
      .get(method)
      ?.find(({ times, key }) => times > 0 && (key === null || key === called));
    if (fault === undefined) return undefined;
    if (fault.after > 0) {
      fault.after -= 1;
      return undefined;
    }
    fault.times -= 1;
    return fault;
  }
}

type ObjectStoreMethod = Exclude<
  keyof ObjectStore,
  'settleMs' | 'reservedKeyBytes' | 'objectsPerList' | 'close'
>;

/** A bucket whose calls fail when they are told to; without faults it is the bucket it stands before. */
export class FaultyObjectStore implements ObjectStore {
  readonly settleMs: number;
  readonly reservedKeyBytes: number;
  readonly objectsPerList: number;
  readonly #inner: ObjectStore;
  readonly #faults = new Faults<ObjectStoreMethod>(
    (lost) =>
      new HoldfastError('OBJECT_STORE_UNAVAILABLE', 'The bucket does not answer (a fault made by a test).', {
        context: lost === 'answer' ? { outcome: 'unknown' } : {},
      }),
  );
  readonly #refused = new Set<string>();

  constructor(inner: ObjectStore) {
    this.#inner = inner;
    this.settleMs = inner.settleMs;
    this.reservedKeyBytes = inner.reservedKeyBytes;
    this.objectsPerList = inner.objectsPerList;
  }

  /** `fail('put', { after: 3, times: 2 })`: three go through, two fail, all later ones go through. */
  fail(method: ObjectStoreMethod, fault: Fault = {}): void {
    this.#faults.plan(method, fault);
  }

  /** `deleteMany` leaves this key, and says so, until `heal`. */
  refuseDelete(key: string): void {
    this.#refused.add(key);
  }

  heal(): void {
    this.#faults.clear();
    this.#refused.clear();
  }

  capabilities(...args: Parameters<ObjectStore['capabilities']>): ReturnType<ObjectStore['capabilities']> {
    return this.#faults.run('capabilities', () => this.#inner.capabilities(...args));
  }

  put(...args: Parameters<ObjectStore['put']>): ReturnType<ObjectStore['put']> {
    return this.#faults.run('put', () => this.#inner.put(...args), args[0]);
  }

  get(...args: Parameters<ObjectStore['get']>): ReturnType<ObjectStore['get']> {
    return this.#faults.run('get', () => this.#inner.get(...args), args[0]);
  }

  head(...args: Parameters<ObjectStore['head']>): ReturnType<ObjectStore['head']> {
    return this.#faults.run('head', () => this.#inner.head(...args), args[0]);
  }

  list(...args: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    return this.#faults.run('list', () => this.#inner.list(...args));
  }

  deleteMany(
    ...[keys, options]: Parameters<ObjectStore['deleteMany']>
  ): ReturnType<ObjectStore['deleteMany']> {
    return this.#faults.run('deleteMany', async () => {
      const refused = keys.filter((key) => this.#refused.has(key));
      const others = keys.filter((key) => !this.#refused.has(key));
      const failures = refused.map((key) => ({
        key,
        error: new HoldfastError(
          'OBJECT_STORE_UNAVAILABLE',
          `${key} cannot be deleted (a fault made by a test).`,
        ),
      }));
      return [...failures, ...(await this.#inner.deleteMany(others, options))];
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/**
 * An event store whose appends fail when they are told to.
 * @returns the store, all other methods as they are, `failAppend`, and `heal`, which ends all faults
 */
export function faultyAppends(inner: EventStore): {
  store: EventStore;
  failAppend: (fault?: Fault) => void;
  heal: () => void;
} {
  const faults = new Faults<'append'>(
    () => new HoldfastError('EVENT_STORE_UNAVAILABLE', 'The log does not answer (a fault made by a test).'),
  );
  const append = (
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedVersion,
    options?: AppendOptions,
  ): Promise<Appended> => faults.run('append', () => inner.append(stream, events, expected, options));
  const store = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'append') return append;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return {
    store,
    failAppend: (fault = {}) => {
      faults.plan('append', fault);
    },
    heal: () => {
      faults.clear();
    },
  };
}
