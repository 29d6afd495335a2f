import { Readable } from 'node:stream';
import { TemporaryFile } from '../temporary-file.ts';

const MAX_IN_MEMORY = 1024 * 1024;
const READ_BYTES = 64 * 1024;

/**
 * The answer to a batch while it grows. Results that the client does not read yet wait in memory and, beyond
 * 1 MiB, in a file: so the server goes on reading a client that reads its answer only after
 * it has sent everything.
 */
export class ResultStream extends Readable {
  readonly #dataDir: string;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #file: TemporaryFile | null = null;
  #fileRead = 0;
  #isWanted = false;
  #isScheduled = false;
  #hasEnded = false;

  constructor(dataDir: string) {
    super({ highWaterMark: READ_BYTES });
    this.#dataDir = dataDir;
  }

  /** @throws DISK_FULL when the results have no room */
  add(result: object): void {
    if (this.destroyed) return;
    const line = Buffer.from(`${JSON.stringify(result)}\n`);
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#isWanted) this.#handSoon();
    else if (this.#waitingBytes > MAX_IN_MEMORY) this.#moveToFile();
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#isWanted) this.#handSoon();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#hand();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#file?.close();
    this.#file = null;
    this.#waiting = [];
    done(error);
  }

  /** Results become known in bursts; each burst is one write. */
  #handSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#isWanted && !this.destroyed) this.#hand();
    });
  }

  /** What is in the file is older than what is in memory. */
  #hand(): void {
    if (this.#file !== null && this.#fileRead < this.#file.bytes) {
      const chunk = this.#file.read(this.#fileRead, READ_BYTES);
      this.#fileRead += chunk.length;
      this.#give(chunk);
      return;
    }
    this.#file?.close();
    this.#file = null;
    if (this.#waitingBytes > 0) {
      const chunk = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.#give(chunk);
    } else if (this.#hasEnded) {
      this.push(null);
    }
  }

  #give(chunk: Buffer): void {
    this.#isWanted = false;
    // Asks for more by itself where there is room.
    this.push(chunk);
  }

  #moveToFile(): void {
    if (this.#file === null) {
      this.#file = new TemporaryFile(this.#dataDir);
      this.#fileRead = 0;
    }
    this.#file.append(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
