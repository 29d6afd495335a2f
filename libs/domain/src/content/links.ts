import { HoldfastError } from '../errors.ts';
import type { StringValue } from './json-text.ts';
import { type ContentPath, isContentPath } from './path.ts';

/** A JSON string that begins so, and is as a whole a valid path with an optional `#fragment`, is a link. */
export const LINK_SCHEME = 'content:';

/** The targets stand in the event, whose size event stores limit. */
const MAX_LINK_BYTES = 256 * 1024;

/**
 * Replaces each link at its place by the path relative to the document, so that it leads back to
 * whichever origin served the document, and nothing else in the text changes.
 * @param strings  the document's strings that begin with {@link LINK_SCHEME}, in order
 * @returns        the text to store, the paths it points to (each once, in order), and what looked
 *                 like a link but names no valid path
 * @throws         TOO_MANY_LINKS when the targets together exceed 256 KiB
 */
export function replaceLinks(
  path: ContentPath,
  text: string,
  strings: readonly StringValue[],
): { text: string; links: ContentPath[]; malformed: string[] } {
  const links = new Set<ContentPath>();
  const malformed: string[] = [];
  const parts: string[] = [];
  let copied = 0;
  for (const { value, start, end } of strings) {
    const link = parseLink(value);
    if (link === null) {
      malformed.push(value);
      continue;
    }
    links.add(link.target);
    parts.push(text.slice(copied, start), JSON.stringify(relativePath(path, link.target) + link.fragment));
    copied = end;
  }
  let linkBytes = 0;
  for (const target of links) linkBytes += Buffer.byteLength(target) + 3;
  if (linkBytes > MAX_LINK_BYTES) {
    throw new HoldfastError(
      'TOO_MANY_LINKS',
      `The document ${path} links to ${links.size} paths of ${linkBytes} bytes together; at most ${MAX_LINK_BYTES} bytes are allowed. Split it.`,
      { context: { path, links: links.size } },
    );
  }
  return {
    text: parts.length === 0 ? text : parts.join('') + text.slice(copied),
    links: [...links],
    malformed,
  };
}

function parseLink(value: string): { target: ContentPath; fragment: string } | null {
  const reference = value.slice(LINK_SCHEME.length);
  const hash = reference.indexOf('#');
  const target = hash === -1 ? reference : reference.slice(0, hash);
  return isContentPath(target) ? { target, fragment: hash === -1 ? '' : reference.slice(hash) } : null;
}

/** `plans/p1/subjects/s1.json` -> `units/u1.json` gives `../../../units/u1.json`. */
export function relativePath(from: ContentPath, to: ContentPath): string {
  const fromDirectories = from.split('/').slice(0, -1);
  const toSegments = to.split('/');
  let shared = 0;
  while (
    shared < fromDirectories.length &&
    shared < toSegments.length - 1 &&
    fromDirectories[shared] === toSegments[shared]
  ) {
    shared += 1;
  }
  return '../'.repeat(fromDirectories.length - shared) + toSegments.slice(shared).join('/');
}
