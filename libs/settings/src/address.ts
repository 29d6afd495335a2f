import { isIP, isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { baseUrlSchema } from '@holdfast/domain';
import { z } from 'zod';
import { Secret } from './secret.ts';

export type EventStoreAddress =
  | {
      readonly kind: 'sqlite';
      /** Absolute; null: in the data directory. */
      readonly file: string | null;
    }
  | {
      readonly kind: 'esdb';
      /** A connection string, which may have a password. */
      readonly url: Secret;
    };

const place = (text: string): string | null => (text === '' ? null : resolve(text));

const ESDB = /^esdb(?:\+discover)?:\/\/(?:[^@/?\s]+@)?[^@/?\s]+\/?(?:\?\S*)?$/;

export const eventStoreAddress = z.string().transform((text, context): EventStoreAddress => {
  if (text.startsWith('sqlite:')) return { kind: 'sqlite', file: place(text.slice('sqlite:'.length)) };
  if (ESDB.test(text)) return { kind: 'esdb', url: new Secret(text) };
  context.addIssue(
    text.startsWith('kurrentdb')
      ? 'begins with "kurrentdb"; write "esdb://" or "esdb+discover://" for the same server'
      : 'is neither "sqlite:" (the log in the data directory), "sqlite:<file>" nor "esdb://[<user>:<password>@]<host>:<port>[,…][?…]"',
  );
  return z.NEVER;
});

/**
 * Where the settings say the log is, with what its adapter needs.
 * @param embedded  where it is in the data directory
 */
export function eventStorePlaceOf(
  settings: { readonly eventStore: EventStoreAddress; readonly eventStorePrefix: string },
  embedded: { readonly events: string; readonly eventsBell: string },
) {
  const { eventStore, eventStorePrefix } = settings;
  return eventStore.kind === 'esdb'
    ? ({ kind: 'esdb', url: eventStore.url.reveal(), streamPrefix: eventStorePrefix } as const)
    : ({
        kind: 'sqlite',
        file: eventStore.file ?? embedded.events,
        bellFile: embedded.eventsBell,
      } as const);
}

/** An absolute http(s) URL, without its trailing slash. */
export const baseUrl = z.string().transform((text, context) => {
  const parsed = URL.canParse(text) ? baseUrlSchema.safeParse(text) : null;
  if (parsed?.success === true) return parsed.data;
  const reasons = parsed?.error.issues.filter(({ code }) => code === 'custom').map(({ message }) => message);
  context.addIssue(reasons?.[0] ?? 'is not an absolute URL that begins with http:// or https://');
  return z.NEVER;
});

/** As a browser's `Origin` header has it: scheme, host and port, nothing after them. */
const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not an origin such as https://www.example.org, without a path`,
});

/** Any origin, or the listed ones. */
export const corsOrigins = z.string().transform((text, context): '*' | readonly string[] => {
  if (text === '*') return text;
  const parsed = z.array(origin).safeParse(text.split(',').map((part) => part.trim()));
  if (parsed.success) return parsed.data;
  context.addIssue(parsed.error.issues[0]?.message ?? 'is not a list of origins');
  return z.NEVER;
});

/** An address of this machine to listen on. */
export const listenHost = z
  .string()
  .refine(
    (text) => text === 'localhost' || isIP(text) !== 0,
    'is neither an IP address of this machine nor localhost',
  );

/** Whether only this machine reaches it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** Every address of this machine. */
export const isUnspecified = (host: string): boolean => /^[0:.]+$/.test(host);

/** Where this node's own origin is when no setting says so. */
export const localBaseUrlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}/content`;
