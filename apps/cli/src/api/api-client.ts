import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { HoldfastError } from '@holdfast/domain';
import { readProblem } from './problem.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the base URL, encoded, with its leading slash. */
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface OpenRequest {
  readonly request: ClientRequest;
  readonly answered: Promise<IncomingMessage>;
}

const SILENCE_MS = 120_000;

/** Speaks to the API. Every failure is a HoldfastError: the server's own, or SERVER_UNREACHABLE. */
export class ApiClient {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;

  /** @param options.signal  ends every request under way */
  constructor(options: { url: string; headers: Readonly<Record<string, string>>; signal: AbortSignal }) {
    this.#baseUrl = options.url;
    this.#headers = options.headers;
    this.#signal = options.signal;
  }

  /** @returns the JSON of an answer of success */
  get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.#exchange({ method: 'GET', path, query }, undefined);
  }

  /** @param body  sent as JSON; absent: no body */
  send<Answer>(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    query: Query = {},
  ): Promise<Answer> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.#exchange({ method, path, query, headers }, body);
  }

  /**
   * Opens a request whose body or answer is a stream, without a limit of time; both may flow at the same
   * time. The caller ends the request.
   * @returns `answered`: the answer once its head is there, if it is one of success
   */
  open({ method, path, query = {}, headers = {} }: ApiRequest): OpenRequest {
    const url = new URL(this.#baseUrl + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, {
      method,
      headers: { accept: 'application/json', ...this.#headers, ...headers },
      signal: this.#signal,
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', (error) => reject(this.unreachable(error)));
    }).then((answer) => this.#requireSuccess(answer));
    // Whoever writes a long body looks at this only later.
    answered.catch(() => undefined);
    return { request, answered };
  }

  /** @returns what an error of the connection means for the user */
  unreachable(cause: unknown): HoldfastError {
    const { code, message } = cause as NodeJS.ErrnoException;
    return new HoldfastError(
      'SERVER_UNREACHABLE',
      `The server at ${this.#baseUrl} could not be reached, or went away: ${EXPLANATIONS[code ?? ''] ?? message}. Is it running ("npm start")? HOLDFAST_URL says where it is.`,
      { cause },
    );
  }

  async #exchange<Answer>(asked: ApiRequest, body: unknown): Promise<Answer> {
    const { request, answered } = this.open(asked);
    request.setTimeout(SILENCE_MS, () => {
      request.destroy(new Error(`it said nothing for ${SILENCE_MS / 1000} s`));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const text = await this.#readText(await answered);
    try {
      return JSON.parse(text) as Answer;
    } catch (cause) {
      throw new HoldfastError(
        'SERVER_UNREACHABLE',
        `What answers at ${this.#baseUrl} is not Holdfast: its answer is not JSON. HOLDFAST_URL says where Holdfast is.`,
        { cause },
      );
    }
  }

  async #requireSuccess(answer: IncomingMessage): Promise<IncomingMessage> {
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw readProblem(status, await this.#readText(answer), this.#baseUrl);
  }

  async #readText(answer: IncomingMessage): Promise<string> {
    try {
      return Buffer.concat((await answer.toArray()) as Buffer[]).toString();
    } catch (error) {
      throw this.unreachable(error);
    }
  }
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
};
