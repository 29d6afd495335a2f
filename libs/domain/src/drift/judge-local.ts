import type { ContentPath } from '../content/path.ts';
import type { Position } from '../position.ts';
import type { Finding } from './outcome.ts';

/** What the log wants of one path. */
export interface ExpectedDocument {
  readonly path: ContentPath;
  readonly version: number;
  readonly position: Position;
  readonly sha256: string;
  readonly md5: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Of the version before, which `.prev` has; null: there is none, and so no `.prev`. */
  readonly previousSha256: string | null;
}

export const LOCAL_KINDS = ['file', 'directory', 'link', 'other'] as const;
export type LocalKind = (typeof LOCAL_KINDS)[number];

/** One name on disk, never reached through a symbolic link. */
export interface FoundFile {
  readonly kind: LocalKind;
  readonly bytes: number;
  /** The permissions only, such as 0o644. */
  readonly mode: number;
  /** Null where it is no plain file, or could not be read. */
  readonly sha256: string | null;
  /** Why it could not be read; null: it could. */
  readonly problem: string | null;
}

/** What a name is by its grammar: nothing is said about whether it should be there. */
export const LOCAL_ROLES = ['document', 'previous', 'temporary', 'directory', 'unknown'] as const;
export type LocalRole = (typeof LOCAL_ROLES)[number];

export interface LocalEntry extends FoundFile {
  /** Relative to the content directory; a directory's ends in `/`. */
  readonly path: string;
  readonly role: LocalRole;
  /** What lies beside a document as its `.prev`; null: nothing. */
  readonly previous: FoundFile | null;
}

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * What is wrong with a document and its `.prev`; empty: nothing.
 * @param found, previous  what stands at its name and beside it; null: nothing
 */
export function judgeDocument(
  expected: ExpectedDocument,
  found: FoundFile | null,
  previous: FoundFile | null,
): Finding[] {
  const { path, sha256, previousSha256 } = expected;
  const findings = [
    judgeFile({ path, sha256, subject: 'document' }, found),
    judgeFile({ path: previousPath(path), sha256: previousSha256, subject: 'previous' }, previous),
  ];
  return findings.filter((finding) => finding !== null);
}

/** What is wrong with a name that no document has; null: it may stay. */
export function judgeExtra(found: LocalEntry): Finding | null {
  const { path, kind, mode, problem } = found;
  if (problem !== null) {
    const subject = kind === 'directory' ? 'directory' : 'file';
    return { side: 'local', outcome: 'unreadable', path, subject, expected: null, found: problem };
  }
  if (kind === 'directory' && found.role === 'directory') {
    if (mode === DIRECTORY_MODE) return null;
    return modeFinding(path, DIRECTORY_MODE, mode);
  }
  return {
    side: 'local',
    outcome: 'orphan',
    path,
    subject: subjectOf(found),
    expected: null,
    found: tell(found),
  };
}

export const previousPath = (path: string): string => `${path}.prev`;

function judgeFile(
  wanted: { path: string; sha256: string | null; subject: 'document' | 'previous' },
  found: FoundFile | null,
): Finding | null {
  const { path, sha256, subject } = wanted;
  const about = { side: 'local', path, subject, expected: sha256 } as const;
  if (found === null) return sha256 === null ? null : { ...about, outcome: 'missing', found: null };
  if (sha256 === null) return { ...about, outcome: 'orphan', found: tell(found) };
  if (found.problem !== null) return { ...about, outcome: 'unreadable', found: found.problem };
  if (found.kind !== 'file' || found.sha256 !== sha256) {
    return { ...about, outcome: 'different', found: tell(found) };
  }
  return found.mode === FILE_MODE ? null : modeFinding(path, FILE_MODE, found.mode);
}

const modeFinding = (path: string, expected: number, found: number): Finding => ({
  side: 'local',
  outcome: 'different',
  path,
  subject: 'mode',
  expected: tellMode(expected),
  found: tellMode(found),
});

const tellMode = (mode: number): string => `mode ${mode.toString(8).padStart(4, '0')}`;

function subjectOf({ kind, role }: LocalEntry): Finding['subject'] {
  if (kind === 'link') return 'link';
  if (kind === 'directory') return 'directory';
  if (kind === 'other' || role === 'unknown' || role === 'directory') return 'file';
  return role;
}

const KINDS: Readonly<Record<LocalKind, string>> = {
  file: 'a file',
  directory: 'a directory',
  link: 'a symbolic link',
  other: 'neither a file nor a directory',
};

const tell = ({ kind, sha256, problem }: FoundFile): string => problem ?? sha256 ?? KINDS[kind];
