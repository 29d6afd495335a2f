import { ERROR_KINDS, type ErrorCode, HoldfastError } from '@holdfast/domain';

/**
 * The server's problem details (RFC 9457) as an error of this process.
 * @param text  the body of the answer
 */
export function readProblem(status: number, text: string, baseUrl: string): HoldfastError {
  const { code, detail } = parseProblem(text);
  if (code === null) {
    return new HoldfastError(
      'SERVER_UNREACHABLE',
      `What answers at ${baseUrl} is not Holdfast, or something stands in between: it answered ${status}. HOLDFAST_URL says where Holdfast is.`,
      { context: { status } },
    );
  }
  if (isErrorCode(code)) return new HoldfastError(code, detail, { context: { status } });
  // A newer server has codes this command does not know.
  return new HoldfastError(status < 500 ? 'REQUEST_INVALID' : 'INTERNAL', `${code}: ${detail}`, {
    context: { status },
  });
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_KINDS, code);

function parseProblem(text: string): { code: string | null; detail: string } {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return {
      code: typeof code === 'string' ? code : null,
      detail: typeof detail === 'string' ? detail : 'The server does not say why.',
    };
  } catch {
    return { code: null, detail: '' };
  }
}
