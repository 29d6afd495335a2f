import {
  type DriftCounts,
  type DriftOutcome,
  type DriftSide,
  type Finding,
  type HoldfastError,
  judgeDocument,
  judgeExtra,
  judgeListed,
  type ListedObject,
  type LocalEntry,
  MAX_LISTED_FINDINGS,
  type Merged,
  noCdnCounts,
  noLocalCounts,
  type ScanSides,
} from '@holdfast/domain';
import { isMisread } from '@holdfast/storage';
import type { Expected } from './expected.ts';
import {
  type JudgePorts,
  judgeLocalAgain,
  judgeRemoteAgain,
  pathsToLookAt,
  type Verdict,
} from './judge-again.ts';
import { lookAgain, type LookPorts, type SecondLook } from './look-again.ts';
import { ThreeRoots } from './three-roots.ts';

export type Compared = Merged<Expected, LocalEntry, ListedObject>;

export type ComparisonPorts = LookPorts &
  JudgePorts & {
    readonly etagIsMd5: boolean;
    /** Told of each page's findings. */
    readonly onFindings: (findings: readonly Finding[]) => void;
    readonly onUnsettled: (side: DriftSide, path: string) => void;
  };

export interface ComparisonSettings {
  /** Of the local files, from the first page to the last. */
  readonly generation: string;
  readonly sides: ScanSides;
  /** Objects are asked for, whatever a listing says. */
  readonly asksForObjects: boolean;
  /** Objects are downloaded and hashed. */
  readonly downloads: boolean;
}

type FirstLook = Verdict | { readonly is: 'look' };

/**
 * Compares pages of what should be there with what is, and adds it up. Whatever differs is looked at again before it
 * counts as drift.
 */
export class Comparison {
  readonly counts: DriftCounts = { local: noLocalCounts(), cdn: noCdnCounts() };
  /** The first ones; all were told. */
  readonly findings: Finding[] = [];
  findingCount = 0;
  /** Paths left out of the roots. */
  unsettled = 0;
  /** Documents that were compared. */
  compared = 0;
  /** False for a side that was left out, or of which not everything could be looked at. */
  readonly isWhole: Record<DriftSide, boolean> = { local: true, cdn: true };
  readonly #ports: ComparisonPorts;
  readonly #settings: ComparisonSettings;
  readonly #roots = new ThreeRoots();
  readonly #hasUnknown = { local: false, cdn: false };
  /** A directory that cannot be read: nothing below it can be checked. */
  #shut: string | null = null;
  #bucketFailure: HoldfastError | null = null;

  constructor(ports: ComparisonPorts, settings: ComparisonSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#hasUnknown.cdn = settings.sides === 'local';
    this.isWhole.cdn = settings.sides === 'both';
  }

  /** The bucket does not answer: from here on nothing in it can be checked. */
  giveUpBucket(error: HoldfastError): void {
    if (this.#bucketFailure !== null) return;
    this.#bucketFailure = error;
    this.#hasUnknown.cdn = true;
    this.isWhole.cdn = false;
    this.counts.cdn.unreadable += 1;
    const found = `${error.code}: ${error.message}`.slice(0, 2000);
    const about = { side: 'cdn', outcome: 'unreadable', path: '', subject: 'listing' } as const;
    this.#tell([{ ...about, expected: null, found }]);
  }

  /** @throws as `lookAgain` */
  async compare(page: readonly Compared[]): Promise<void> {
    const first = page.map((each) => ({
      each,
      local: this.#firstLocal(each),
      remote: this.#firstRemote(each),
    }));
    const look = await lookAgain(this.#ports, {
      generation: this.#settings.generation,
      local: first.flatMap(({ each, local }) => (local.is === 'look' ? pathsToLookAt(localPath(each)) : [])),
      remote: first.flatMap(({ each, remote }) => (remote.is === 'look' ? [each.path] : [])),
      download: this.#settings.downloads,
    });
    const told: Finding[] = [];
    for (const { each, local, remote } of first) {
      const verdicts = {
        local: local.is === 'look' ? this.#judgeLocal(each, look) : local,
        cdn: remote.is === 'look' ? this.#judgeRemote(each, look) : remote,
      };
      if (each.expected !== null) this.compared += 1;
      for (const side of ['local', 'cdn'] as const) {
        told.push(...this.#count(side, verdicts[side], each.expected));
        if (verdicts[side].is === 'unsettled') this.#ports.onUnsettled(side, each.path);
      }
      this.#addToRoots(each, verdicts);
    }
    this.#tell(told);
  }

  /** Null where not all hashes are known. */
  roots(): { expected: string; local: string | null; cdn: string | null } {
    return {
      expected: this.#roots.of('expected'),
      local: this.#hasUnknown.local ? null : this.#roots.of('local'),
      cdn: this.#hasUnknown.cdn ? null : this.#roots.of('cdn'),
    };
  }

  #firstLocal({ path, expected, local }: Compared): FirstLook {
    if (this.#shut !== null && path.startsWith(this.#shut) && path !== this.#shut) {
      return expected === null ? { is: 'nothing' } : { is: 'unchecked' };
    }
    if (local?.kind === 'directory' && local.problem !== null) {
      this.#shut = path;
      // Below a name that is not UTF-8 nothing was ever looked at.
      if (!isMisread(path)) this.isWhole.local = false;
    }
    if (expected !== null) {
      const findings = judgeDocument(expected, local, local?.previous ?? null);
      return findings.length === 0 ? { is: 'same' } : { is: 'look' };
    }
    return local === null || judgeExtra(local) === null ? { is: 'nothing' } : { is: 'look' };
  }

  #firstRemote({ expected, remote }: Compared): FirstLook {
    if (this.#settings.sides === 'local') return { is: 'nothing' };
    if (expected === null) return { is: remote === null ? 'nothing' : 'look' };
    if (expected.replication !== 'settled') return { is: 'unsettled', state: expected.replication };
    if (this.#bucketFailure !== null) return { is: 'unchecked' };
    if (this.#settings.asksForObjects) return { is: 'look' };
    const known = { ...expected.put, etagIsMd5: this.#ports.etagIsMd5 };
    return { is: judgeListed(expected, remote, known) === 'same' ? 'same' : 'look' };
  }

  #judgeLocal(each: Compared, look: SecondLook): Verdict {
    const verdict = judgeLocalAgain(localPath(each), each.expected, look, this.#ports);
    const { local } = each;
    if (local?.kind !== 'directory' || local.problem === null) return verdict;
    return stillShut(verdict, judgeExtra(local));
  }

  #judgeRemote(each: Compared, look: SecondLook): Verdict {
    const { path, expected, remote } = each;
    const verdict = judgeRemoteAgain(path, expected, look, this.#ports);
    // A folder's directory that could not be listed.
    const isShut =
      remote !== null &&
      path.endsWith('/') &&
      (verdict.is === 'nothing' || (verdict.is === 'drift' && verdict.findings.some(isUnreadable)));
    if (!isShut) return verdict;
    this.isWhole.cdn = false;
    const found = 'It could not be listed when the scan came by.';
    const about = { side: 'cdn', outcome: 'unreadable', path, subject: 'directory' } as const;
    return stillShut(verdict, { ...about, expected: null, found });
  }

  #count(side: DriftSide, verdict: Verdict, expected: Expected | null): readonly Finding[] {
    const counts: Record<string, number> = this.counts[side];
    const add = (name: DriftOutcome | 'lagging' | 'moving' | 'givenUp'): void => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    switch (verdict.is) {
      case 'nothing':
        return [];
      case 'same':
        add('same');
        return [];
      case 'unsettled':
        add(verdict.state);
        return [];
      case 'unchecked':
        add('unreadable');
        return [];
      case 'drift':
        for (const { outcome } of verdict.findings) add(outcome);
        // The document itself is fine where only its `.prev` is not.
        if (expected !== null && verdict.findings.every(({ path }) => path !== expected.path)) add('same');
        return verdict.findings;
    }
  }

  #addToRoots({ path, expected }: Compared, verdicts: Record<DriftSide, Verdict>): void {
    if (verdicts.local.is === 'unsettled' || verdicts.cdn.is === 'unsettled') {
      this.unsettled += 1;
      return;
    }
    const local = hashIn(verdicts.local, expected);
    const cdn = hashIn(verdicts.cdn, expected);
    if (local === null) this.#hasUnknown.local = true;
    if (cdn === null) this.#hasUnknown.cdn = true;
    this.#roots.add(path, { expected: expected?.sha256, local, cdn });
  }

  #tell(findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    this.findingCount += findings.length;
    this.findings.push(...findings.slice(0, MAX_LISTED_FINDINGS - this.findings.length));
    this.#ports.onFindings(findings);
  }
}

const isUnreadable = ({ outcome }: Finding): boolean => outcome === 'unreadable';

/**
 * Of a directory that could not be listed: nobody knows what is below it, also where it can be read by the time it is
 * looked at again.
 */
function stillShut(verdict: Verdict, first: Finding | null): Verdict {
  if (verdict.is === 'drift') return { ...verdict, sha256: null };
  return first === null ? verdict : { is: 'drift', findings: [first], sha256: null };
}

/** A directory's has its `/`; anything else is the path of the page. */
const localPath = ({ path, local }: Compared): string => local?.path ?? path;

function hashIn(verdict: Verdict, expected: Expected | null): string | null | undefined {
  switch (verdict.is) {
    case 'same':
      return expected?.sha256;
    case 'unchecked':
      return null;
    case 'drift':
      return verdict.sha256;
    case 'nothing':
    case 'unsettled':
      return undefined;
  }
}
