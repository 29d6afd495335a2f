import { HoldfastError } from '../errors.ts';

/** A path that passed the grammar of DESIGN section 4; only `parsePath` makes one. */
export type ContentPath = string & { readonly __brand: 'ContentPath' };
/** A directory: the same grammar, ending in `/`; only `parseDirectory` makes one. */
export type ContentDirectory = string & { readonly __brand: 'ContentDirectory' };

export interface PathRules {
  /** Room the bucket prefix takes from the 1,024 bytes of an object key. */
  readonly reservedBytes?: number;
  /** Set where the file system ignores case or normalisation. */
  readonly lowerCaseOnly?: boolean;
}

const MAX_PATH_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;
/** 255 less `.tmp.` + a UUID + `.prev`: the longest name a write makes beside the file. */
const MAX_FILE_NAME_BYTES = 209;

const SEGMENT =
  /^[\p{L}\p{M}\p{Nd}_~\-@=,()](?:[\p{L}\p{M}\p{Nd}._~\-@=,() ]*[\p{L}\p{M}\p{Nd}_~\-@=,()])?$/u;

/**
 * Checks a document's path.
 * @throws PATH_INVALID saying which segment breaks which rule
 */
export function parsePath(text: string, rules: PathRules = {}): ContentPath {
  const problem = findProblem(text, rules, 'document');
  if (problem !== null) throw pathInvalid(text, problem);
  return text as ContentPath;
}

/**
 * Checks a directory, with its trailing `/`. The root is no directory one can name.
 * @throws PATH_INVALID
 */
export function parseDirectory(text: string, rules: PathRules = {}): ContentDirectory {
  const problem = text.endsWith('/')
    ? findProblem(text.slice(0, -1), rules, 'directory')
    : 'a directory ends in "/"';
  if (problem !== null) throw pathInvalid(text, problem);
  return text as ContentDirectory;
}

export const isContentPath = (text: string, rules: PathRules = {}): text is ContentPath =>
  findProblem(text, rules, 'document') === null;

/** The directories above a document, nearest first: `a/b/c.json` -> `a/b`, `a`. */
export function parentDirectories(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    parents.push(path.slice(0, slash));
  }
  return parents;
}

/** Order of UTF-8 bytes, which is how buckets list; JavaScript's own order differs for astral characters. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return surrogatesLast(a) - surrogatesLast(b);
  }
  return left.length - right.length;
}

/** UTF-16 puts surrogates (astral characters) before U+E000..U+FFFF; UTF-8 puts them after. */
const surrogatesLast = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

const SURROGATE = /[\ud800-\udfff]/;

/** In place, as `compareUtf8` has it. JavaScript's own order is the same but for astral characters, and much faster. */
export const sortUtf8 = (texts: string[]): string[] =>
  texts.some((text) => SURROGATE.test(text)) ? texts.sort(compareUtf8) : texts.sort();

function findProblem(text: string, rules: PathRules, what: 'document' | 'directory'): string | null {
  if (text === '') return 'it is empty';
  if (!text.isWellFormed()) return 'it holds half of a surrogate pair';
  if (text.normalize('NFC') !== text) return 'it is not in Unicode normalisation form NFC';
  const allowedBytes = MAX_PATH_BYTES - (rules.reservedBytes ?? 0);
  const bytes = Buffer.byteLength(text);
  if (bytes > allowedBytes) return `it has ${bytes} bytes of UTF-8, at most ${allowedBytes} are allowed`;
  if (rules.lowerCaseOnly === true && text !== text.toLowerCase()) {
    return 'it has upper-case letters, and the file system of this server ignores case';
  }
  const segments = text.split('/');
  for (const [index, segment] of segments.entries()) {
    const isFile = what === 'document' && index === segments.length - 1;
    const problem = findSegmentProblem(segment, isFile);
    if (problem !== null) return problem;
  }
  return null;
}

function findSegmentProblem(segment: string, isFile: boolean): string | null {
  if (segment === '') return 'it has an empty segment';
  const shown = JSON.stringify(segment);
  if (segment.startsWith('.')) return `segment ${shown} begins with "."`;
  if (!SEGMENT.test(segment)) {
    return `segment ${shown} has a character that is not allowed, or begins or ends in a space or dot (letters, marks and digits of any script, inner spaces and . _ ~ - @ = , ( ) are)`;
  }
  const bytes = Buffer.byteLength(segment);
  const limit = isFile ? MAX_FILE_NAME_BYTES : MAX_SEGMENT_BYTES;
  if (bytes > limit) return `segment ${shown} has ${bytes} bytes of UTF-8, at most ${limit} are allowed`;
  if (!isFile && /\.json\./.test(segment)) {
    return `segment ${shown} has ".json." inside, which is for files that Holdfast keeps beside a document`;
  }
  const endsInJson = segment.endsWith('.json');
  if (isFile && !endsInJson) return 'the last segment does not end in ".json"';
  if (!isFile && endsInJson) return `segment ${shown} ends in ".json", which only the last one may`;
  return null;
}

const pathInvalid = (text: string, problem: string): HoldfastError =>
  new HoldfastError(
    'PATH_INVALID',
    `The path ${JSON.stringify(text.slice(0, 300))} is not allowed: ${problem}.`,
    {
      context: { path: text.slice(0, 1100) },
    },
  );
