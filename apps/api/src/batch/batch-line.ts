import { type ContentPath, HoldfastError, parsePath, readJson, textOfMember } from '@holdfast/domain';
import { z } from 'zod';
import { decodeUtf8 } from '../request-body.ts';
import type { ApiSettings } from '../api.ts';
import type { Line } from './line-splitter.ts';

/** A document of 16 MiB in which every second byte had to be escaped, and the members around it. */
export const MAX_LINE_BYTES = 33 * 1024 * 1024;

const common = { ifMatch: z.int().min(0).optional() };
const putSchema = z.strictObject({
  put: z.string(),
  text: z.string().optional(),
  body: z.unknown().optional(),
  contentType: z.string().optional(),
  ...common,
});
const deleteSchema = z.strictObject({
  delete: z.string(),
  reason: z.string().max(1000).default(''),
  ...common,
});

export type BatchCommand = { readonly path: ContentPath; readonly ifMatch: number | null } & (
  | { readonly type: 'put'; readonly text: string; readonly contentType: string }
  | { readonly type: 'delete'; readonly reason: string }
);

type BatchPathRules = Pick<ApiSettings, 'pathRules' | 'publishedPathRules'>;

/** A failure that knows which path it is about. */
export class LineFailure extends Error {
  readonly path: string | null;
  readonly error: unknown;

  constructor(path: string | null, error: unknown) {
    super('A line of a batch failed.');
    this.path = path;
    this.error = error;
  }
}

/**
 * One line: `{ "put": path, "text": "<exact document>" }`, `{ "put": path, "body": <JSON value> }` (of which the
 * exact text is published) or `{ "delete": path }`.
 * @throws LineFailure
 */
export function parseBatchLine({ bytes }: Line, rules: BatchPathRules): BatchCommand {
  let named: string | null = null;
  try {
    if (bytes === null) throw lineTooLong();
    const text = decodeUtf8(bytes, 'The line');
    const { value } = readJson(text, '\0');
    named = pathNamedBy(value);
    return toCommand(value, text, rules);
  } catch (error) {
    throw new LineFailure(named, error);
  }
}

function toCommand(value: unknown, line: string, rules: BatchPathRules): BatchCommand {
  if (typeof value === 'object' && value !== null && 'delete' in value) {
    const { delete: text, reason, ifMatch } = check(deleteSchema, value);
    return { type: 'delete', path: parsePath(text, rules.pathRules), reason, ifMatch: ifMatch ?? null };
  }
  const { put, text, contentType, ifMatch } = check(putSchema, value);
  const body = text === undefined ? textOfMember(line, 'body') : null;
  const isEither = (text === undefined) !== !Object.hasOwn(value as object, 'body');
  const document = text ?? body;
  if (!isEither || document === null) {
    throw new HoldfastError('REQUEST_INVALID', 'A put has either "text" or "body".');
  }
  return {
    type: 'put',
    path: parsePath(put, rules.publishedPathRules),
    text: document,
    contentType: contentType ?? 'application/json',
    ifMatch: ifMatch ?? null,
  };
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new HoldfastError(
    'REQUEST_INVALID',
    `The line is neither { "put", "text" or "body" } nor { "delete" }: ${problems.join('; ')}.`,
  );
}

/** For the answer, also where the rest of the line is wrong. */
function pathNamedBy(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const named = 'put' in value ? value.put : 'delete' in value ? value.delete : null;
  return typeof named === 'string' ? named.slice(0, 1100) : null;
}

const lineTooLong = (): HoldfastError =>
  new HoldfastError(
    'DOCUMENT_TOO_LARGE',
    `The line has more than ${MAX_LINE_BYTES} bytes, so its document has more than 16 MiB.`,
  );
