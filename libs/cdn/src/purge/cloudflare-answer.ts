import { HoldfastError } from '@holdfast/domain';
import { z } from 'zod';
import type { HttpAnswer } from './post-json.ts';

const errorSchema = z.object({
  code: z.number(),
  message: z.string(),
  error_chain: z.array(z.object({ code: z.number(), message: z.string() })).nullish(),
});

/** What every answer of the API's version 4 looks like; what is not so came from something else on the way. */
const envelopeSchema = z.object({ success: z.boolean(), errors: z.array(errorSchema).nullish() });

/** Of the client API: the token, or the zone it is used for, is not right. Some come with status 400. */
const DENIED_CODES = [
  6003, // Invalid request headers
  7000, // No route for that URI
  7003, // Could not route to …, perhaps your object identifier is invalid?
  9109, // Invalid access token
  10000, // Authentication error
  1095, // … you do not have access to purge cache for that zone id or that zone id is invalid
  1096, // … your zone has been deactivated
];
const RATE_LIMIT_CODE = 1083; // Unable to purge '…'. Rate limit reached

/** Statuses that speak of what was asked for, not of who asks or of the server. */
const REFUSED_STATUSES = [400, 413, 414, 422];
const DENIED_STATUSES = [401, 403, 404, 405];
const MAX_SAID_CHARS = 300;

/**
 * What an answer to a purge means.
 * @param what  was attempted, for messages
 * @param now   for a `Retry-After` that is a date
 * @returns     null where the files are purged; PURGE_REFUSED where one file among them may be at fault
 */
export function judgeAnswer(
  what: string,
  { status, headers, text }: HttpAnswer,
  now: Date,
): HoldfastError | null {
  const envelope = parseEnvelope(text);
  if (status >= 200 && status < 300 && envelope?.success === true) return null;
  const errors = (envelope?.errors ?? []).flatMap((error) => [error, ...(error.error_chain ?? [])]);
  const codes = errors.map(({ code }) => code);
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now);
  const context = {
    status,
    codes,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(headers.has('cf-ray') ? { ray: headers.get('cf-ray') } : {}),
  };
  const said = errors.map(({ code, message }) => `${message} (${code})`).join('; ');
  const answered = `Cloudflare answered ${status}${said === '' ? '' : `: ${said.slice(0, MAX_SAID_CHARS)}`}.`;

  if (status === 429 || codes.includes(RATE_LIMIT_CODE)) {
    const advice = 'It is tried again when the rate limit of the account allows it.';
    return new HoldfastError('PURGE_THROTTLED', `${what} has to wait. ${answered} ${advice}`, { context });
  }
  if (DENIED_STATUSES.includes(status) || codes.some((code) => DENIED_CODES.includes(code))) {
    const advice =
      'Look at the zone in HOLDFAST_PURGE, and at HOLDFAST_CLOUDFLARE_API_TOKEN: it needs the permission Cache Purge for that zone.';
    return new HoldfastError('PURGE_DENIED', `${what} is not allowed. ${answered} ${advice}`, { context });
  }
  if (REFUSED_STATUSES.includes(status) && (envelope !== null || status !== 400)) {
    return new HoldfastError('PURGE_REFUSED', `${what} was refused. ${answered}`, { context });
  }
  const nonsense = envelope === null ? ' That is no answer of its API.' : '';
  return new HoldfastError('PURGE_UNAVAILABLE', `${what} failed. ${answered}${nonsense} It is tried again.`, {
    context,
  });
}

function parseEnvelope(text: string): z.infer<typeof envelopeSchema> | null {
  try {
    return envelopeSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Seconds, or a date. */
function parseRetryAfter(text: string | null, now: Date): number | null {
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
}
