import { HoldfastError } from '../errors.ts';

/** Deeper documents are refused: parsers of readers fall over long before this. */
export const MAX_JSON_DEPTH = 256;
/** Smaller texts cannot nest so deep that it would cost much. */
const DEPTH_FIRST_FROM = 64 * 1024;

/** A string value (not a key) of the document and where its token stands in the text. */
export interface StringValue {
  readonly value: string;
  /** Index of the opening quote. */
  readonly start: number;
  /** Index after the closing quote. */
  readonly end: number;
}

interface OpenContainer {
  /** The keys met so far; null for an array. */
  readonly keys: Set<string> | null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** Nothing else can stand for half of a surrogate pair, or for a letter. */
const UNICODE_ESCAPE = /\\u/;

/**
 * Decodes and checks a document: UTF-8 without BOM, JSON as RFC 8259 has it, no key twice in one
 * object, no lone surrogate, at most {@link MAX_JSON_DEPTH} levels.
 * @param wanted  which string values to report with their places, by their first characters; none that JSON
 *                has a short escape for
 * @returns       the text, its parsed value and those strings, in order
 * @throws        JSON_INVALID, JSON_TOO_DEEP
 */
export function readJsonText(
  bytes: Uint8Array,
  wanted: string,
): { text: string; value: unknown; strings: StringValue[] } {
  const text = decodeUtf8(bytes);
  return { text, ...readJson(text, wanted) };
}

/** As {@link readJsonText}, for text that is decoded already. */
export function readJson(text: string, wanted: string): { value: unknown; strings: StringValue[] } {
  if (text.length >= DEPTH_FIRST_FROM) refuseDeep(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('JSON_INVALID', `The text is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
  return { value, strings: scanStrings(text, wanted) };
}

function decodeUtf8(bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new HoldfastError(
      'JSON_INVALID',
      'The document begins with a byte order mark; send UTF-8 without one.',
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new HoldfastError('JSON_INVALID', 'The document is not valid UTF-8.', { cause });
  }
}

/**
 * Looks at the depth of text that need not be JSON at all: the parser takes memory for each level before it
 * is asked what it thinks of the text.
 */
function refuseDeep(text: string): void {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      const end = endOfString(text, index);
      // No closing quote: the parser will say so.
      if (end <= index) return;
      index = end - 1;
    } else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) throw tooDeep();
    } else if (unit === 0x7d || unit === 0x5d) {
      depth -= 1;
    }
  }
}

const tooDeep = (): HoldfastError =>
  new HoldfastError('JSON_TOO_DEEP', `The text nests deeper than ${MAX_JSON_DEPTH} levels.`);

/**
 * Walks text that `JSON.parse` has accepted, so tokens need no checking of their own: what is left
 * are the things the parser lets pass (depth, keys given twice, lone surrogates) and the places of strings.
 */
function scanStrings(text: string, wanted: string): StringValue[] {
  const strings: StringValue[] = [];
  const open: OpenContainer[] = [];
  const hasUnicodeEscapes = UNICODE_ESCAPE.test(text);
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      const end = endOfString(text, index);
      const afterSpace = skipSpace(text, end);
      if (text.charCodeAt(afterSpace) === COLON) {
        noteKey(text, index, end, open);
        index = afterSpace + 1;
        continue;
      }
      if (hasUnicodeEscapes || text.startsWith(wanted, index + 1)) {
        const value = decodeString(text, index, end);
        if (value.startsWith(wanted)) strings.push({ value, start: index, end });
      }
      index = end;
      continue;
    }
    if (unit === 0x7b || unit === 0x5b) {
      open.push({ keys: unit === 0x7b ? new Set() : null });
      if (open.length > MAX_JSON_DEPTH) {
        throw tooDeep();
      }
    } else if (unit === 0x7d || unit === 0x5d) {
      open.pop();
    }
    index += 1;
  }
  return strings;
}

function noteKey(text: string, start: number, end: number, open: OpenContainer[]): void {
  const key = decodeString(text, start, end);
  const keys = open.at(-1)?.keys;
  if (keys?.has(key) === true) {
    throw new HoldfastError(
      'JSON_INVALID',
      `The text has the key ${JSON.stringify(key)} twice in one object.`,
    );
  }
  keys?.add(key);
}

function endOfString(text: string, start: number): number {
  for (let index = text.indexOf('"', start + 1); ; index = text.indexOf('"', index + 1)) {
    let slashes = 0;
    while (text.charCodeAt(index - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return index + 1;
  }
}

function decodeString(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes('\\')) return raw;
  const value = JSON.parse(text.slice(start, end)) as string;
  if (!value.isWellFormed()) {
    throw new HoldfastError(
      'JSON_INVALID',
      `The text has half of a surrogate pair in the string at character ${start}.`,
    );
  }
  return value;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  for (;;) {
    const unit = text.charCodeAt(index);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return index;
    index += 1;
  }
}

/**
 * The exact text of one member of the top-level object, so that a value can be handed on
 * without parsing and printing it again (which would round large numbers).
 * @param text  JSON text of an object, known to be valid
 */
export function textOfMember(text: string, name: string): string | null {
  let depth = 0;
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      const end = endOfString(text, index);
      const afterSpace = skipSpace(text, end);
      if (depth === 1 && text.charCodeAt(afterSpace) === COLON && decodeString(text, index, end) === name) {
        const start = skipSpace(text, afterSpace + 1);
        return text.slice(start, endOfValue(text, start));
      }
      index = end;
      continue;
    }
    if (unit === 0x7b || unit === 0x5b) depth += 1;
    if (unit === 0x7d || unit === 0x5d) depth -= 1;
    index += 1;
  }
  return null;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      index = endOfString(text, index);
      if (depth === 0) return index;
      continue;
    }
    if (unit === 0x7b || unit === 0x5b) depth += 1;
    else if (unit === 0x7d || unit === 0x5d) {
      if (depth === 0) return trimmedEnd(text, start, index);
      depth -= 1;
      if (depth === 0) return index + 1;
    } else if (unit === 0x2c && depth === 0) return trimmedEnd(text, start, index);
    index += 1;
  }
  return index;
}

const trimmedEnd = (text: string, start: number, end: number): number =>
  start + text.slice(start, end).trimEnd().length;
