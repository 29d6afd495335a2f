const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line without its end; or one that is longer than is allowed, of which nothing was kept. */
export type Line = { readonly bytes: Uint8Array } | { readonly bytes: null };

/**
 * Cuts a stream of chunks into lines. Chunks are kept as they come and joined once for each line, so a long
 * line costs no more for arriving in many pieces.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isTooLong = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that this chunk completes; to be used up before the next chunk. */
  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    this.#keep(chunk.subarray(start));
  }

  /** What follows the last newline, if anything. */
  *end(): Generator<Line> {
    if (this.#bytes > 0 || this.#isTooLong) yield this.#take();
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes) {
      this.#isTooLong = true;
      this.#pieces = [];
    } else {
      this.#pieces.push(piece);
    }
  }

  #take(): Line {
    const [only] = this.#pieces;
    const joined = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    const line: Line = { bytes: this.#isTooLong ? null : withoutReturn(joined) };
    this.#pieces = [];
    this.#bytes = 0;
    this.#isTooLong = false;
    return line;
  }
}

const withoutReturn = (bytes: Uint8Array): Uint8Array =>
  bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
