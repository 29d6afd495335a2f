const TAG = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/**
 * Whether `If-None-Match` names one of the tags, compared weakly, as RFC 9110 wants it for this header.
 * @param tags  quoted
 * @returns     the first of `tags` that is named (with `*` simply the first); null for none
 */
export function findNamedTag(ifNoneMatch: string | undefined, tags: readonly string[]): string | null {
  if (ifNoneMatch === undefined) return null;
  if (ifNoneMatch.trim() === '*') return tags[0] ?? null;
  const named = new Set([...ifNoneMatch.matchAll(TAG)].map((match) => match[1]));
  return tags.find((tag) => named.has(tag)) ?? null;
}
