import { type ErrorCode, type ErrorKind, HoldfastError, isHoldfastError } from '@holdfast/domain';
import { STATUS_CODES } from 'node:http';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** RFC 9457, with what is known about the failure beside the standard members. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
  })
  .meta({ description: 'A problem (RFC 9457); `code` is stable, see docs/errors.md' });

const PROBLEM_TYPE = 'application/problem+json';

/** What every route may answer besides its own. */
export const problemResponse = {
  description: 'What went wrong',
  content: { [PROBLEM_TYPE]: { schema: problemSchema } },
};

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  denied: 403,
  rejected: 409,
  precondition: 412,
  conflict: 409,
  missing: 404,
  transient: 503,
  exhausted: 507,
  poison: 500,
  fatal: 500,
};

const STATUS_OF_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  DOCUMENT_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  DOCUMENT_REFUSED: 422,
  TOO_MANY_LINKS: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  CONTENT_DELETED: 410,
};

const RETRY_AFTER_SECONDS = 1;

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: z.infer<typeof problemSchema>;
  readonly error: HoldfastError;
}

/**
 * What an HTTP client is told about any failure. What nobody foresaw stays in the log: its message may
 * hold what is nobody's business.
 */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const { error, status: given } = explain(thrown);
  const status = given ?? STATUS_OF_CODE[error.code] ?? STATUS_OF_KIND[error.kind];
  const detail =
    error.code === 'INTERNAL'
      ? `The request failed for a reason that was not foreseen; the log of this server has it beside the request id ${requestId}.`
      : error.message;
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      // A cache that kept "not found" would hide what is published next.
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="holdfast"' } : {}),
      ...(status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    },
    body: {
      ...error.context,
      type: `urn:holdfast:error:${error.code}`,
      title: titleOf(error.code),
      status,
      detail,
      code: error.code,
    },
    error,
  };
}

/** What goes wrong before Fastify has a request: the socket gets a whole answer. */
export function toRawAnswer(parserError: NodeJS.ErrnoException): string {
  const status =
    parserError.code === 'HPE_HEADER_OVERFLOW'
      ? 431
      : parserError.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 408
        : 400;
  const detail = {
    431: 'The headers of the request are larger than 16 KiB.',
    408: 'The request did not arrive in time.',
    400: 'What was sent is not an HTTP request.',
  }[status];
  const body = JSON.stringify({
    type: 'urn:holdfast:error:REQUEST_INVALID',
    title: titleOf('REQUEST_INVALID'),
    status,
    detail,
    code: 'REQUEST_INVALID',
  });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

const titleOf = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ').replace('json', 'JSON');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const FASTIFY_ERRORS: Readonly<Partial<Record<string, { code: ErrorCode; message: string }>>> = {
  FST_ERR_BAD_URL: { code: 'PATH_INVALID', message: 'The URL holds a "%" that encodes no UTF-8.' },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'DOCUMENT_TOO_LARGE',
    message: 'The body of the request is larger than is allowed here; a document has at most 16 MiB.',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'CONTENT_TYPE_UNSUPPORTED',
    message: 'The body of the request is not application/json.',
  },
};

/** Fastify's own errors in our codes; `status` where the code's own would say less. */
function explain(thrown: unknown): { error: HoldfastError; status?: number } {
  if (isHoldfastError(thrown)) return { error: thrown };
  const { code, statusCode, message } = thrown as { code?: string; statusCode?: number; message?: string };
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const problems = thrown.validation.map((issue) => {
      const place = issue.instancePath.replace(/^\//, '').replaceAll('/', '.');
      return `${place === '' ? '' : `${place}: `}${issue.message}`;
    });
    const { validationContext } = thrown as { validationContext?: string };
    const part = validationContext === 'querystring' ? 'query' : (validationContext ?? 'input');
    return {
      error: new HoldfastError(
        'REQUEST_INVALID',
        `The ${part} of the request is not as it has to be: ${problems.join('; ')}.`,
        { context: { problems }, cause: thrown },
      ),
    };
  }
  const known = FASTIFY_ERRORS[code ?? ''];
  if (known !== undefined) return { error: new HoldfastError(known.code, known.message) };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return {
      error: new HoldfastError('REQUEST_INVALID', message ?? 'The request is not valid.'),
      status: statusCode,
    };
  }
  return { error: new HoldfastError('INTERNAL', message ?? String(thrown), { cause: thrown }) };
}

export const routeNotFound = (method: string, url: string): HoldfastError =>
  new HoldfastError(
    'ROUTE_NOT_FOUND',
    `There is no ${method} ${url.slice(0, 200)}; /openapi.json lists what there is.`,
  );

export const requestInvalid = (message: string, context: Record<string, unknown> = {}): HoldfastError =>
  new HoldfastError('REQUEST_INVALID', message, { context });
