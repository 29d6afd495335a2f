import type { ScanAnswer } from '@holdfast/api/types';
import { send } from '../../api/client.ts';

export type Finding = ScanAnswer['findings'][number];
export type Outcome = Finding['outcome'];
export type Side = Finding['side'];

export const OUTCOMES = [
  'missing',
  'different',
  'unreadable',
  'orphan',
  'foreign',
] as const satisfies readonly Outcome[];
export const SIDES = ['local', 'cdn'] as const satisfies readonly Side[];

/** More are counted by nobody's browser; the report has them. */
const MOST_READ = 100_000;
const MOST_KEPT = 2_000;

export interface Findings {
  /** The first of them. */
  readonly kept: readonly Finding[];
  readonly total: number;
  /** How many of each outcome lie in each directory, the fullest first. */
  readonly directories: readonly Directory[];
  /** Not all are counted: there are more than a page should read, or they lie on another node. */
  readonly isPartial: boolean;
}

export interface Directory {
  readonly name: string;
  readonly total: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
}

/** Reads a scan's findings as they stream; where this node does not have them, the first hundred that the log has. */
export async function readFindings(scan: ScanAnswer, signal: AbortSignal): Promise<Findings> {
  const collected = new Collected();
  try {
    const headers = { accept: 'application/x-ndjson' };
    const answer = await send(`/v1/drift/scans/${encodeURIComponent(scan.id)}`, { headers, signal });
    for await (const line of linesOf(answer.body!)) {
      if (collected.total === MOST_READ) return collected.result(true);
      collected.add(JSON.parse(line) as Finding);
    }
    return collected.result(false);
  } catch (error) {
    if (signal.aborted) throw error;
    const first = new Collected();
    for (const finding of scan.findings) first.add(finding);
    return first.result((scan.findingCount ?? 0) > scan.findings.length);
  }
}

class Collected {
  readonly #kept: Finding[] = [];
  readonly #directories = new Map<string, Partial<Record<Outcome, number>>>();
  total = 0;

  add(finding: Finding): void {
    this.total += 1;
    if (this.#kept.length < MOST_KEPT) this.#kept.push(finding);
    const name = directoryOf(finding.path);
    const outcomes = this.#directories.get(name) ?? {};
    outcomes[finding.outcome] = (outcomes[finding.outcome] ?? 0) + 1;
    this.#directories.set(name, outcomes);
  }

  result(isPartial: boolean): Findings {
    const directories = [...this.#directories].map(([name, outcomes]) => ({
      name,
      outcomes,
      total: Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    }));
    directories.sort((one, other) => other.total - one.total || (one.name < other.name ? -1 : 1));
    return { kept: this.#kept, total: this.total, directories, isPartial };
  }
}

/** The first two levels, which are few however large the tree is. */
export const directoryOf = (path: string): string => path.split('/').slice(0, -1).slice(0, 2).join('/') + '/';

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines.filter((line) => line !== '');
    }
    if (rest !== '') yield rest;
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/** What a repair would do with what a scan has found, by action. */
export function previewRepair(counts: NonNullable<ScanAnswer['counts']>): {
  readonly materialise: number;
  readonly replicate: number;
  readonly quarantine: number;
  readonly delete: number;
  readonly foreign: number;
} {
  const { local, cdn } = counts;
  return {
    materialise: local.missing + local.different + local.unreadable,
    // What could not be read there is left alone: nobody knows what it is.
    replicate: cdn.missing + cdn.different,
    quarantine: local.orphan,
    delete: cdn.orphan,
    foreign: cdn.foreign,
  };
}
