/** One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface Frame {
  readonly event: string;
  readonly data: unknown;
  /** A position of the log: everything up to it has been told, so a client that comes back goes on after it. */
  readonly id?: string;
}

/** JSON has no line ends of its own, so the text is one line. */
export const encodeFrame = ({ event, data, id }: Frame): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Keeps proxies from ending a connection that is silent. */
export const HEARTBEAT = ': still here\n\n';

/** How soon a client comes back after the connection was lost. */
export const encodeRetry = (ms: number): string => `retry: ${ms}\n\n`;
