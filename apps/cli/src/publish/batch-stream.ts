import type { ClientRequest } from 'node:http';
import { HoldfastError } from '@holdfast/domain';
import type { BatchDone, BatchResult } from '@holdfast/api/types';
import type { ApiClient, Query } from '../api/api-client.ts';
import { readLines } from '../api/read-lines.ts';

export type BatchCommand = { readonly put: string; readonly text: string } | { readonly delete: string };

/**
 * One `POST /v1/batch`: commands go out while results come in, so that neither side waits for the other's
 * buffers. The request begins with the first command.
 */
export class BatchStream {
  readonly #client: ApiClient;
  readonly #query: Query;
  readonly #onResult: (result: BatchResult) => void;
  #request: ClientRequest | null = null;
  #summary: Promise<BatchDone> | null = null;
  /** The answer is complete or broken. */
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(client: ApiClient, query: Query, onResult: (result: BatchResult) => void) {
    this.#client = client;
    this.#query = query;
    this.#onResult = onResult;
  }

  /**
   * Sends one command; returns when there is room for the next.
   * @throws what the server says when it ends the batch, SERVER_UNREACHABLE when it goes away
   */
  async send(command: BatchCommand): Promise<void> {
    const request = this.#request ?? this.#open();
    if (!this.#isOver && request.write(`${JSON.stringify(command)}\n`)) return;
    if (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        request.once('drain', resolve);
      });
    }
    if (!this.#isOver) return;
    await this.#readSummary();
    throw new HoldfastError('SERVER_UNREACHABLE', 'The server ended the batch before all of it was sent.');
  }

  /** @returns what the server says of the whole; null when nothing was sent */
  async finish(): Promise<BatchDone | null> {
    if (this.#request === null) return null;
    this.#request.end();
    return this.#readSummary();
  }

  #readSummary(): Promise<BatchDone> {
    if (this.#summary === null) throw new Error('the batch has not begun');
    return this.#summary;
  }

  #open(): ClientRequest {
    const { request, answered } = this.#client.open({
      method: 'POST',
      path: '/v1/batch',
      query: this.#query,
      headers: { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' },
    });
    this.#request = request;
    this.#summary = this.#readResults(answered);
    // Its failure is looked at when there is no room to write, and at the end.
    void this.#summary
      .catch(() => undefined)
      .then(() => {
        this.#isOver = true;
        this.#wake();
      });
    return request;
  }

  async #readResults(answered: ReturnType<ApiClient['open']>['answered']): Promise<BatchDone> {
    const answer = await answered;
    try {
      for await (const line of readLines(answer)) {
        const result = JSON.parse(line) as BatchResult | BatchDone;
        if ('done' in result) return result;
        this.#onResult(result);
      }
    } catch (error) {
      throw this.#client.unreachable(error);
    }
    throw this.#client.unreachable(new Error('its answer ended in the middle'));
  }
}
