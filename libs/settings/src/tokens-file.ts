import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

/*
 * The tokens file, for people and for `holdfast token create`. One token per line, `#` begins a comment:
 *
 *   # name     role       SHA-256 of the token
 *   cms        publisher  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *   dashboard  viewer     sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
 *
 * A name may have several tokens of one role: the old and the new one while a token is exchanged.
 * A token is `hf_`, 64 hex digits of randomness, and 8 of their CRC-32, by which scanners know a leaked one from
 * other text. So much randomness needs no slow hash: nobody guesses it from the SHA-256.
 */

/** Each may do what the ones before it may. */
export const ROLES = ['viewer', 'publisher', 'operator'] as const;
export type Role = (typeof ROLES)[number];

export interface TokenEntry {
  /** The actor of what is done with the token. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token, lower-case hex. */
  readonly sha256: string;
}

/** Without a colon, which the names of Holdfast's own parts have; `local` acts where there are no tokens. */
export const tokenName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    'has a name that is not 1 to 64 of a-z, 0-9, ".", "_" and "-", a letter or digit first',
  )
  .refine((name) => name !== 'local', 'has the name "local", which acts where there are no tokens');

export const tokenRole = z.enum(ROLES, `has a role that is not ${ROLES.join(', ')}`);

const entrySchema = z.object({
  name: tokenName,
  role: tokenRole,
  sha256: z
    .string('has no hash')
    .regex(/^sha256:[0-9a-f]{64}$/, 'has a hash that is not "sha256:" and 64 hex digits in lower case')
    .transform((text) => text.slice('sha256:'.length)),
});

/** @returns the entries, or every problem with its line; what stands in a line is not shown, it may be a token */
export function parseTokensFile(text: string): { entries: TokenEntry[]; problems: string[] } {
  const entries: TokenEntry[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (words[0] === '') continue;
    const report = (problem: string): unknown => problems.push(`line ${index + 1} ${problem}`);
    const [name, role, sha256, ...more] = words;
    const parsed = entrySchema.safeParse({ name, role, sha256 });
    if (more.length > 0) report('has more than a name, a role and a hash');
    if (!parsed.success) {
      for (const issue of parsed.error.issues) report(issue.message);
      continue;
    }
    const entry = parsed.data;
    if (entries.some((other) => other.sha256 === entry.sha256)) report('has the hash of a line before it');
    if (entries.some((other) => other.name === entry.name && other.role !== entry.role)) {
      report('gives a name another role than a line before it');
    }
    entries.push(entry);
  }
  if (entries.length === 0 && problems.length === 0)
    problems.push('it has no token, so nobody could come in');
  return { entries, problems };
}

export function createToken(): string {
  const random = randomBytes(32).toString('hex');
  return `hf_${random}${crc32(random).toString(16).padStart(8, '0')}`;
}

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

export const formatTokenLine = ({ name, role, sha256 }: TokenEntry): string =>
  `${name} ${role} sha256:${sha256}`;
