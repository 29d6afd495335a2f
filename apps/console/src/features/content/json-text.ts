import { isLosslessNumber, parse, stringify } from 'lossless-json';

/**
 * JSON laid out with one value in a line, its numbers as they were written.
 * @returns null where it is not JSON
 */
export function layOut(text: string, options: { sorted: boolean }): string[] | null {
  try {
    const value = parse(text);
    return (stringify(options.sorted ? sortKeys(value) : value, null, 2) ?? '').split('\n');
  } catch {
    return null;
  }
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, held]) => [key, sortKeys(held)]),
  );
}

/** A line of JSON that was laid out. */
export interface JsonLine {
  readonly indent: number;
  /** With its quotes, as is `value`. */
  readonly key: string | null;
  readonly value: string;
  readonly kind: 'string' | 'word' | 'bracket';
  /** What follows the value: a comma, perhaps. */
  readonly rest: string;
}

export function readLine(line: string): JsonLine {
  const indent = line.length - line.trimStart().length;
  let value = line.slice(indent);
  let key: string | null = null;
  const end = value.startsWith('"') ? endOfString(value) : -1;
  if (end !== -1 && value.startsWith(': ', end)) {
    key = value.slice(0, end);
    value = value.slice(end + 2);
  }
  const rest = value.endsWith(',') ? ',' : '';
  value = value.slice(0, value.length - rest.length);
  const kind = value.startsWith('"') ? 'string' : /^[[\]{}]/.test(value) ? 'bracket' : 'word';
  return { indent, key, value, kind, rest };
}

/** After its closing quote. */
function endOfString(text: string): number {
  for (let index = 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index + 1;
  }
  return -1;
}
