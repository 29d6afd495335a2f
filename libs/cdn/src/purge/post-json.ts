import { isNativeError } from 'node:util/types';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, as far as it was read. */
  readonly text: string;
}

/** Of an answer; those of an API are far below. */
const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * Posts JSON over a connection that is kept, and follows no redirect: what is in the headers goes nowhere else.
 * @returns whatever was answered, also errors and web pages
 * @throws  an Error that says why there was no whole answer: unreachable, reset, too late, given up
 */
export async function postJson(
  url: URL,
  body: unknown,
  options: { headers: Readonly<Record<string, string>>; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<HttpAnswer> {
  const { timeoutMs, signal } = options;
  const call = new AbortController();
  const giveUp = (): void => {
    call.abort();
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    giveUp();
  }, timeoutMs);
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...options.headers, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: call.signal,
    });
    return { status: response.status, headers: response.headers, text: await readText(response) };
  } catch (error) {
    if (signal?.aborted === true) throw new Error('it was given up', { cause: error });
    if (isLate) throw new Error(`there was no whole answer within ${timeoutMs} ms`, { cause: error });
    throw new Error(reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** `fetch` says only that it failed; why stands in the cause. */
function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  const cause = isNativeError(error.cause) ? error.cause : error;
  const code = 'code' in cause ? String(cause.code) : '';
  return cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
}

/** What lies beyond the limit is not fetched. */
async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString();
}
