import { HoldfastError, toHoldfastError } from '@holdfast/domain';
import { hashToken, parseTokensFile, type Role, type TokenEntry } from '@holdfast/settings';
import { timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { FastifyBaseLogger } from 'fastify';

/** Who asks, for as long as the request lasts. */
export interface Access {
  readonly name: string;
  readonly role: Role;
  /** Aborts when the token is no longer in the file: what it keeps open has to end. */
  readonly revoked: AbortSignal;
}

interface Known extends TokenEntry {
  readonly revocation: AbortController;
}

const LOOK_EVERY_MS = 1_000;
const OTHERS_MAY_WRITE = 0o002;

/** The tokens of a file, read again when the file changes. A file that became unreadable or wrong changes nothing. */
export class Tokens {
  readonly #file: string;
  readonly #logger: FastifyBaseLogger;
  #known: readonly Known[] = [];
  #seen: string;
  #trouble: HoldfastError | null = null;
  readonly #timer: NodeJS.Timeout;

  /** @throws TOKENS_FILE_INVALID with every problem at once */
  constructor(file: string, logger: FastifyBaseLogger) {
    this.#file = file;
    this.#logger = logger;
    this.#seen = stampOf(file);
    this.#replace(readTokens(file));
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Why the file as it is now is not in force; null: it is. */
  get trouble(): HoldfastError | null {
    return this.#trouble;
  }

  /** Takes as long for one that is nearly right as for any other. */
  find(token: string): Access | null {
    const given = Buffer.from(hashToken(token), 'hex');
    let found: Known | null = null;
    for (const known of this.#known) {
      if (timingSafeEqual(Buffer.from(known.sha256, 'hex'), given)) found = known;
    }
    return found === null ? null : { name: found.name, role: found.role, revoked: found.revocation.signal };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    // Taken before the file is read: what changes in between is seen by the next look.
    const stamp = stampOf(this.#file);
    if (stamp === this.#seen) return;
    this.#seen = stamp;
    try {
      this.#replace(readTokens(this.#file));
      this.#trouble = null;
      this.#logger.info({ file: this.#file, tokens: this.#known.length }, 'The tokens file was read again.');
    } catch (error) {
      this.#trouble = toHoldfastError(error);
      const { code, message } = this.#trouble;
      this.#logger.error(
        { code },
        `${message}\nThe tokens from before stay in force, also those it was to revoke.`,
      );
    }
  }

  #replace(entries: readonly TokenEntry[]): void {
    const before = this.#known;
    const isSame = (left: TokenEntry, right: TokenEntry): boolean =>
      left.sha256 === right.sha256 && left.role === right.role && left.name === right.name;
    this.#known = entries.map(
      (entry) =>
        before.find((known) => isSame(known, entry)) ?? { ...entry, revocation: new AbortController() },
    );
    for (const known of before) if (!this.#known.includes(known)) known.revocation.abort();
  }
}

/** Changes whenever the file is written or replaced. */
function stampOf(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'none' : [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join();
}

function readTokens(file: string): TokenEntry[] {
  let text: string;
  const problems: string[] = [];
  try {
    const fd = openSync(file, 'r');
    try {
      // Hashes of so much randomness are no secret, so anybody may read them; but who may write them may come in.
      if ((fstatSync(fd).mode & OTHERS_MAY_WRITE) !== 0) {
        problems.push('every user of this machine may write it; chmod o-w takes that away');
      }
      text = readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw tokensFileInvalid(file, [`it could not be read: ${(error as Error).message}`], error);
  }
  const parsed = parseTokensFile(text);
  problems.push(...parsed.problems);
  if (problems.length > 0) throw tokensFileInvalid(file, problems);
  return parsed.entries;
}

const tokensFileInvalid = (file: string, problems: readonly string[], cause?: unknown): HoldfastError =>
  new HoldfastError(
    'TOKENS_FILE_INVALID',
    [
      `The tokens file ${file} (HOLDFAST_TOKENS_FILE) cannot be used:`,
      ...problems.map((problem) => `  ${problem}`),
      'A line is "<name> <role> sha256:<hash>"; "holdfast token create" makes one.',
    ].join('\n'),
    { context: { file, problems }, cause },
  );
