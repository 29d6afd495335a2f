import type { Catalog, CatalogDocument } from '@holdfast/catalog';
import type { HoldfastError } from '@holdfast/domain';
import {
  type Finding,
  isHoldfastError,
  isPositionAtOrAfter,
  judgeDocument,
  judgeExtra,
  judgeExtraObject,
  judgeObject,
  type LocalEntry,
  previousPath,
  type UnsettledState,
} from '@holdfast/domain';
import { documentOf } from '@holdfast/storage';
import { type Expected, replicationOf, toExpected } from './expected.ts';
import type { SecondLook } from './look-again.ts';

export interface JudgePorts {
  readonly catalog: Pick<Catalog, 'document' | 'documents' | 'replication'>;
  readonly logId: string;
  /** See `unreadableStreams`; as of the scan's beginning. */
  readonly unreadableStreams: ReadonlySet<string>;
}

/** What the comparison of one path on one side came to. */
export type Verdict =
  /** It is as the log wants it. */
  | { readonly is: 'same' }
  /** It is neither wanted nor there. */
  | { readonly is: 'nothing' }
  | { readonly is: 'unsettled'; readonly state: UnsettledState }
  /** It could not be checked, for a reason that is told once for many. */
  | { readonly is: 'unchecked' }
  | {
      readonly is: 'drift';
      readonly findings: readonly Finding[];
      /** Of the bytes of the document that is there; undefined: there is none, null: not known. */
      readonly sha256: string | null | undefined;
    };

const unsettled = (state: UnsettledState): Verdict => ({ is: 'unsettled', state });

/** The paths to look at for a local path that differs. */
export function pathsToLookAt(path: string): string[] {
  const base = documentOf(path);
  if (base === null) return [path];
  return path === base || path === previousPath(base) ? [base, previousPath(base)] : [path];
}

/**
 * @param path   as it was met
 * @param asked  what was expected when it was met; null: nothing
 */
export function judgeLocalAgain(
  path: string,
  asked: Expected | null,
  look: SecondLook,
  ports: JudgePorts,
): Verdict {
  const base = documentOf(path);
  const document = base === null ? null : ports.catalog.document(base);
  const known = judgeDocumentState(base, document, asked, path, ports.unreadableStreams);
  if (known !== null) return known;
  if (document !== null && isBehind(document, look)) return unsettled('lagging');
  const isOwn = path === base || (base !== null && path === previousPath(base));
  if (document?.status !== 'published' || !isOwn) {
    return judgeExtraAgain(look.local.get(path) ?? null, ports);
  }
  const there = fileOf(look.local.get(base) ?? null);
  const left = look.local.get(previousPath(base)) ?? null;
  const previous = there?.previous ?? fileOf(left);
  const findings = judgeDocument(toExpected(ports.catalog, document), there, previous).filter((finding) =>
    path === base
      ? // A `.prev` without its document was met, or will be, by its own name.
        finding.path === base || there !== null || finding.outcome === 'missing'
      : finding.path === path && there === null,
  );
  if (findings.length === 0) return path === base ? { is: 'same' } : { is: 'nothing' };
  return { is: 'drift', findings, sha256: hashOf(there) };
}

export function judgeRemoteAgain(
  path: string,
  asked: Expected | null,
  look: SecondLook,
  ports: JudgePorts & { readonly etagIsMd5: boolean },
): Verdict {
  const found = look.remote.get(path) ?? null;
  if (isHoldfastError(found))
    return { is: 'drift', findings: [unreadable(path, asked, found)], sha256: null };
  const base = documentOf(path) === path ? path : null;
  const document = base === null ? null : ports.catalog.document(base);
  const known = judgeDocumentState(base, document, asked, path, ports.unreadableStreams);
  if (known !== null) return known;
  if (document !== null) {
    const state = replicationOf(ports.catalog, document);
    if (state !== 'settled') return unsettled(state);
    if (look.inBucket.get(document.path) !== document.version) return unsettled('lagging');
  }
  if (document?.status === 'published') {
    const finding = judgeObject(toExpected(ports.catalog, document), found, ports);
    if (finding === null) return { is: 'same' };
    const bytes = finding.subject === 'metadata' ? document.sha256 : found?.sha256;
    return { is: 'drift', findings: [finding], sha256: finding.outcome === 'missing' ? undefined : bytes };
  }
  if (found === null) return { is: 'nothing' };
  const finding = judgeExtraObject(found.head, ports.logId);
  return {
    is: 'drift',
    findings: [finding],
    sha256: finding.outcome === 'foreign' ? undefined : found.sha256,
  };
}

/** What the log alone settles; null: nothing yet. */
function judgeDocumentState(
  base: string | null,
  document: CatalogDocument | null,
  asked: Expected | null,
  path: string,
  unreadableStreams: ReadonlySet<string>,
): Verdict | null {
  if (base !== null && unreadableStreams.has(`content-${base}`)) return unsettled('givenUp');
  if (path !== base) return null;
  const isPublished = document?.status === 'published';
  const hasChanged = asked === null ? isPublished : !isPublished || document.version !== asked.version;
  return hasChanged ? unsettled('moving') : null;
}

/** The local projector had not come to the document's newest event when its file was looked at. */
function isBehind({ path, version, position }: CatalogDocument, { checkpoint, onDisk }: SecondLook): boolean {
  if (checkpoint !== null && isPositionAtOrAfter(checkpoint, position)) return false;
  return (onDisk.get(path) ?? -1) < version;
}

/** @param found  what stands now at a name that no document has; null: nothing */
export function judgeExtraAgain(
  found: LocalEntry | null,
  { catalog }: { catalog: Pick<Catalog, 'documents'> },
): Verdict {
  if (found === null) return { is: 'nothing' };
  const { path, previous } = found;
  // An empty directory is where its documents should be: they are missing, it is not in the way.
  const isWanted =
    found.kind === 'directory' &&
    catalog.documents({ prefix: path, after: null, limit: 1, status: 'published' }).length > 0;
  const entry: LocalEntry = isWanted ? { ...found, role: 'directory' } : found;
  const beside: LocalEntry[] =
    previous === null ? [] : [{ ...previous, path: previousPath(path), role: 'previous', previous: null }];
  const findings = [entry, ...beside].map(judgeExtra).filter((finding) => finding !== null);
  if (findings.length === 0) return { is: 'nothing' };
  const isDocument = entry.role === 'document' && entry.kind === 'file';
  return { is: 'drift', findings, sha256: isDocument ? entry.sha256 : undefined };
}

/** A directory in a document's place is told of by its own name. */
export const fileOf = (entry: LocalEntry | null): LocalEntry | null =>
  entry?.kind === 'directory' ? null : entry;

const hashOf = (entry: LocalEntry | null): string | null | undefined =>
  entry === null || (entry.kind !== 'file' && entry.problem === null) ? undefined : entry.sha256;

const unreadable = (path: string, asked: Expected | null, error: HoldfastError): Finding => ({
  side: 'cdn',
  outcome: 'unreadable',
  path,
  subject: 'document',
  expected: asked?.sha256 ?? null,
  found: `${error.code}: ${error.message}`.slice(0, 2000),
});
