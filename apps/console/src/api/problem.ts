import type { Problem } from '@holdfast/api/types';
import { messages } from '../app/messages.ts';

/** The API answered, with a problem. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }
}

/** The API did not answer: it is down, or the network is. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super(messages.errors.unreachable, { cause });
  }
}

/** What an answer that is no success says, also where a proxy gave it. */
export async function readProblem(response: Response): Promise<ApiProblem> {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.detail === 'string' && typeof problem.code === 'string')
      return new ApiProblem(problem);
  } catch {
    // Not from the API.
  }
  return new ApiProblem({
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    detail: messages.errors.notFromApi(response.status, text.slice(0, 200)),
    code: `HTTP_${response.status}`,
  });
}

/** One sentence or two for people, and the code that docs/errors.md explains. */
export function explainError(error: unknown): { title: string; detail: string; code: string | null } {
  if (error instanceof ApiProblem)
    return { title: error.problem.title, detail: error.message, code: error.code };
  if (error instanceof Unreachable) {
    return { title: messages.errors.unreachableTitle, detail: error.message, code: null };
  }
  return { title: messages.errors.unforeseen, detail: String(error), code: null };
}
