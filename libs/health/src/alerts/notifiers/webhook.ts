import { createHmac } from 'node:crypto';
import { type Clock, HoldfastError } from '@holdfast/domain';
import type { Notice, Notifier } from '../notice.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Key of the signature. */
  readonly secret: string;
  /** Who says so: the process and its node. */
  readonly sender: string;
  readonly clock: Clock;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/**
 * Tells by a POST of JSON, one notice each, in order. The header `Holdfast-Signature` is `t=<unix seconds>,v1=<hex>`: the
 * HMAC-SHA256, with the secret as key, of `<unix seconds>.<body>`. Any answer of 2xx means that it arrived.
 */
export function webhookNotifier(options: WebhookOptions): Notifier {
  const { url, secret, clock, timeoutMs = TIMEOUT_MS } = options;
  return {
    name: 'webhook',
    maxCount: 1,
    deliver: async (notices, signal) => {
      for (const notice of notices) {
        const body = JSON.stringify(bodyOf(notice, options.sender));
        const headers = {
          'content-type': 'application/json',
          'user-agent': 'Holdfast',
          'holdfast-signature': sign(body, secret, Math.floor(clock.now().getTime() / 1_000)),
        };
        const late = AbortSignal.timeout(timeoutMs);
        const status = await post(url, { body, headers, signal: AbortSignal.any([late, signal]) }, () =>
          late.aborted ? `there was no answer within ${timeoutMs} ms` : null,
        );
        if (status < 200 || status > 299) throw failure(url, `it answered ${status}`, status);
      }
    },
  };
}

/** @param at  unix seconds */
export const sign = (body: string, secret: string, at: number): string =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;

const bodyOf = ({ id, kind, alert, at, raisedAt, folded }: Notice, sender: string) => ({
  id,
  type: `alert.${kind}`,
  at,
  sender,
  folded,
  alert: { ...alert, raisedAt },
});

async function post(
  url: string,
  call: { body: string; headers: Record<string, string>; signal: AbortSignal },
  whyLate: () => string | null,
): Promise<number> {
  try {
    // Redirects are not followed: what is signed for one receiver goes to no other.
    const response = await fetch(url, { ...call, method: 'POST', redirect: 'manual' });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = (cause as Error | undefined)?.message ?? message;
    throw failure(url, whyLate() ?? reason, null, error);
  }
}

/** The path of the URL is not told: it may hold a key. */
function failure(url: string, why: string, status: number | null, cause?: unknown): HoldfastError {
  const { host } = new URL(url);
  const isRefused = status !== null && status >= 300 && status < 500 && status !== 408 && status !== 429;
  return new HoldfastError(
    isRefused ? 'NOTIFIER_REFUSED' : 'NOTIFIER_UNAVAILABLE',
    `An alert could not be posted to the webhook at ${host}: ${why}. It is tried again; ${isRefused ? 'check HOLDFAST_WEBHOOK_URL, HOLDFAST_WEBHOOK_SECRET and the receiver' : 'look at that server if this lasts'}.`,
    { context: { host, status }, cause },
  );
}
