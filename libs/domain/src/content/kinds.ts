import { z } from 'zod';
import type { ContentPath } from './path.ts';

/** The kinds of document Holdfast knows something about (DESIGN section 4); any other path is plain JSON. */
export const CONTENT_KINDS = ['manifest', 'subject', 'search_index', 'unit', 'lesson'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

/** What a document that breaks its kind's schema meets: nothing, a warning in the answer, or DOCUMENT_REFUSED. */
export const KIND_CHECKS = ['off', 'warn', 'refuse'] as const;
export type KindCheck = (typeof KIND_CHECKS)[number];
export type KindChecks = Readonly<Partial<Record<ContentKind, KindCheck>>>;

const PATTERNS: readonly { kind: ContentKind; pattern: RegExp }[] = [
  { kind: 'manifest', pattern: /^plans\/([^/]+)\/manifest\.json$/ },
  { kind: 'search_index', pattern: /^plans\/([^/]+)\/search_index\.json$/ },
  { kind: 'subject', pattern: /^plans\/[^/]+\/subjects\/([^/]+)\.json$/ },
  { kind: 'unit', pattern: /^units\/([^/]+)\.json$/ },
  { kind: 'lesson', pattern: /^lessons\/([^/]+)\.json$/ },
];

const documentSchema = z.looseObject({ id: z.unknown().optional() });

/** The kind of a path and the id its document should carry. */
export function kindOf(path: ContentPath): { kind: ContentKind; id: string } | null {
  for (const { kind, pattern } of PATTERNS) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return { kind, id };
  }
  return null;
}

/**
 * What is wrong with a document of a known kind: not an object, an `id` that is not the path's, links
 * that name no valid path. Unknown fields pass.
 * @returns one sentence for each problem; none for other paths
 */
export function findKindProblems(
  path: ContentPath,
  value: unknown,
  malformedLinks: readonly string[],
): string[] {
  const known = kindOf(path);
  if (known === null) return [];
  const problems = malformedLinks.map(
    (link) => `The link ${JSON.stringify(link.slice(0, 200))} names no valid path.`,
  );
  const document = documentSchema.safeParse(value);
  if (!document.success) return [`A ${known.kind} is a JSON object.`, ...problems];
  const { id } = document.data;
  if (id === undefined || id === known.id || id === Number(known.id)) return problems;
  return [`The document's "id" is not ${JSON.stringify(known.id)}, the one its path names.`, ...problems];
}
