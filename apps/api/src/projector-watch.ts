import type { Catalog, CatalogNode } from '@holdfast/catalog';
import {
  type Clock,
  CONTENT_EVENT_TYPES,
  type EventStore,
  HoldfastError,
  isPositionAtOrAfter,
  type LogEntry,
  type ModeWatch,
  type Position,
} from '@holdfast/domain';
import { isSilent } from '@holdfast/health';

type Projector = CatalogNode['projectors'][number];

/** What keeps a projector of this node from its work, whatever it reports of itself. */
export interface ProjectorTrouble {
  readonly code: 'PROJECTOR_SILENT' | 'PROJECTOR_STOPPED' | 'PROJECTOR_STALLED';
  /** Null where the node has never reported, so that nobody knows which there are. */
  readonly projector: Projector['name'] | null;
  readonly detail: string;
  /** It works, but for what it says it waits for. */
  readonly waits?: true;
  /** When it was last known to be well; nobody could know before the log could be heard. */
  readonly since: Date;
}

/** How a projector is; no trouble: it is well. */
export interface ProjectorVerdict {
  /** Null: the node as a whole. */
  readonly projector: Projector['name'] | null;
  readonly trouble: ProjectorTrouble | null;
}

/** Of the alert PROJECTOR_STALLED. @param projector  null: the node as a whole */
export const stalledSubject = (node: string, projector: Projector['name'] | null): string =>
  projector === null ? node : `${node}/${projector}`;

export interface ProjectorWatchPorts {
  readonly store: Pick<EventStore, 'head' | 'readLog'>;
  readonly catalog: Pick<Catalog, 'checkpoint' | 'nodes' | 'replicationCounts' | 'replicationsDue'>;
  readonly modeWatch: Pick<ModeWatch, 'mode'>;
  readonly clock: Clock;
  readonly node: string;
  /** Whether the disk of its files is low or its reserve in use, which is an alert of its own. */
  readonly isDiskLow: () => boolean;
}

/** With work waiting and nothing done for so long, it stands still. */
const STANDS_MS: Readonly<Record<Projector['name'], number>> = {
  local: 60_000,
  // One attempt may take long, and a bucket that asks to slow down longer.
  cdn: 300_000,
  // What these do is judged by what it comes to: scans that are overdue, purges that wait.
  drift: Number.POSITIVE_INFINITY,
  purge: Number.POSITIVE_INFINITY,
};
const NAMES = Object.keys(STANDS_MS) as Projector['name'][];
/** Two looks of those who raise alerts: what was known before that says nothing of now. */
const UNHEARD_MS = 10_000;
/** While much is published the catalog may be some seconds behind. */
const LAGGING_MS = 20_000;

interface Progress {
  readonly mark: string;
  readonly since: Date;
  /** It was never seen otherwise, so nobody knows how long it has been like this. */
  readonly isFirst: boolean;
}

/**
 * Judges the projectors of this node by what they get done: a report that says `running` says no more than that
 * somebody still reports.
 */
export class ProjectorWatch {
  readonly #ports: ProjectorWatchPorts;
  readonly #startedAt: Date;
  /** The catalog is known to have everything that was in the log then; null: of nothing yet. */
  #heardAt: Date | null = null;
  /** When that was so again after a while in which nothing could be heard. */
  #resumedAt = new Date(0);
  /** Heads of the log that the catalog has yet to reach. */
  #ahead: readonly { readonly head: Position; readonly at: Date }[] = [];
  /** What each projector had got done when that last changed. */
  readonly #done = new Map<Projector['name'], Progress>();

  constructor(ports: ProjectorWatchPorts) {
    this.#ports = ports;
    this.#startedAt = ports.clock.now();
  }

  /** As `look`. */
  async findTroubles(): Promise<ProjectorTrouble[]> {
    return (await this.look()).flatMap(({ trouble }) => trouble ?? []);
  }

  /**
   * Judges this node's projectors. Nobody can say now how one is that is not mentioned.
   * @throws EVENT_STORE_UNAVAILABLE, CATALOG_LAGGING while no report can be heard of
   */
  async look(): Promise<ProjectorVerdict[]> {
    const knownAt = await this.#hear();
    const { node } = this.#ports;
    const report = this.#report();
    if (report === undefined) {
      const detail = `The projector of node ${node} has not reported yet.`;
      const since = latest(this.#startedAt, this.#resumedAt);
      return [{ projector: null, trouble: { code: 'PROJECTOR_SILENT', projector: null, detail, since } }];
    }
    const { heardAt, projectors } = report;
    // Nobody misses a projector that does not run here any more.
    const others = NAMES.filter((name) => projectors.every((each) => each.name !== name));
    const well = [...others, null].map((projector) => ({ projector, trouble: null }));
    if (!isSilent(report, knownAt)) {
      const verdicts = projectors.map((projector) => this.#judge(projector, report));
      return [...(await Promise.all(verdicts)).flat(), ...well];
    }
    // The next report needs a moment to come.
    if (!isSilent({ ...report, heardAt: this.#resumedAt.toISOString() }, knownAt)) return [];
    const detail = `The projector of node ${node} was last heard of at ${heardAt}.`;
    const since = latest(new Date(heardAt), this.#startedAt, this.#resumedAt);
    const silent = projectors.map(({ name: projector }) => ({
      projector,
      trouble: { code: 'PROJECTOR_SILENT', projector, detail, since } as const,
    }));
    return [...silent, ...well];
  }

  /**
   * Reports come by the log and the catalog: what does not get through says nothing of a projector.
   * @returns an instant of which the catalog has everything
   */
  async #hear(): Promise<Date> {
    const { store, catalog, clock } = this.#ports;
    const now = { at: clock.now(), head: await store.head() };
    const ahead = [...this.#ahead, now];
    const reached = ahead.findLastIndex(({ head }) => isPositionAtOrAfter(catalog.checkpoint, head));
    const heardAt = ahead[reached]?.at ?? this.#heardAt;
    if (this.#heardAt && heardAt && heardAt.getTime() - this.#heardAt.getTime() > UNHEARD_MS) this.#resume();
    this.#heardAt = heardAt;
    const rest = ahead.slice(reached + 1);
    // Of a catalog that is far behind the first few will do.
    this.#ahead = rest.filter(({ at }) => at.getTime() - rest[0]!.at.getTime() <= LAGGING_MS);
    if (heardAt && now.at.getTime() - heardAt.getTime() <= LAGGING_MS) return heardAt;
    throw new HoldfastError(
      'CATALOG_LAGGING',
      `The catalog has been behind the log since ${(heardAt ?? this.#startedAt).toISOString()}, so that nobody can say how the projectors are.`,
      { context: { checkpoint: catalog.checkpoint, head: now.head } },
    );
  }

  #resume(): void {
    this.#resumedAt = this.#ports.clock.now();
    this.#done.clear();
  }

  #report(): CatalogNode | undefined {
    return this.#ports.catalog.nodes().find(({ node }) => node === this.#ports.node);
  }

  /** @returns nothing where nobody can say yet */
  async #judge(projector: Projector, { node, heardAt }: CatalogNode): Promise<ProjectorVerdict[]> {
    const { name, state, reason } = projector;
    if (state === 'stopped') {
      const detail = `The ${name} projector of ${node} has stopped: ${reason ?? 'it gave no reason'}`;
      const since = new Date(heardAt);
      return [{ projector: name, trouble: { code: 'PROJECTOR_STOPPED', projector: name, detail, since } }];
    }
    if (state === 'waiting' && this.#isToldElsewhere(name)) {
      // Afterwards it has its time again.
      this.#done.delete(name);
      return [{ projector: name, trouble: null }];
    }
    const { since, isFirst } = this.#progress(projector);
    const stoodMs = this.#ports.clock.now().getTime() - since.getTime();
    const isLong = stoodMs >= STANDS_MS[name];
    // Who stands by has nothing to do.
    const isExcused = state === 'standing-by' || !(isLong || isFirst);
    if (isExcused || !(await this.#hasWork(projector, stoodMs))) return [{ projector: name, trouble: null }];
    if (!isLong) return [];
    const stands =
      state === 'waiting'
        ? `waits, and its checkpoint has stood still since ${since.toISOString()}: ${reason ?? 'it gave no reason'}`
        : `says that it is ${state}, but has got nothing done since ${since.toISOString()}, though there is work for it.`;
    const detail = `The ${name} projector of ${node} ${stands}`;
    const waits = state === 'waiting' ? ({ waits: true } as const) : {};
    const trouble = { code: 'PROJECTOR_STALLED', projector: name, detail, since, ...waits } as const;
    return [{ projector: name, trouble }];
  }

  /** CDN_UNREACHABLE and DISK_LOW tell of what these wait for; a disk that cannot be written to is told of by nobody. */
  #isToldElsewhere(name: Projector['name']): boolean {
    return name !== 'local' || this.#ports.isDiskLow();
  }

  #progress(projector: Projector): Progress {
    const { name } = projector;
    const mark = JSON.stringify(this.#markOf(projector));
    const known = this.#done.get(name);
    if (known?.mark === mark) return known;
    const progress = { mark, since: this.#ports.clock.now(), isFirst: known === undefined };
    this.#done.set(name, progress);
    return progress;
  }

  /** Changes whenever it gets something done, and when work comes after it had none. */
  #markOf({ name, state, reason, checkpoint, pending }: Projector): unknown[] {
    // Its reason names whichever path was tried last, and more of them wait with each publish.
    if (name === 'local' && state === 'waiting') return [state, checkpoint];
    if (name !== 'cdn') return [state, reason, checkpoint, pending];
    // Not what is queued or superseded, nor the checkpoint: these change with each publish, whoever works.
    const { success, failed, 'dead-letter': deadLetters } = this.#ports.catalog.replicationCounts();
    return [state, reason, success, failed, deadLetters, this.#hasDue()];
  }

  /** Whether the CDN projector could make an attempt now. */
  #hasDue(): boolean {
    const { catalog, modeWatch, clock } = this.#ports;
    const question = { now: clock.now(), limit: 1, exclude: new Set<string>() };
    return modeWatch.mode.cdnEnabled && catalog.replicationsDue(question).length > 0;
  }

  async #hasWork({ name, checkpoint }: Projector, stoodMs: number): Promise<boolean> {
    if (name === 'local') return this.#isBehind(checkpoint, stoodMs);
    return name === 'cdn' && this.#hasDue();
  }

  /** Whether content beyond the checkpoint has been waiting for as long as nothing was done. */
  async #isBehind(checkpoint: Position | null, stoodMs: number): Promise<boolean> {
    const { store, clock } = this.#ports;
    const first = await findFirstContent(store, checkpoint);
    if (first === null) return false;
    if (first.type === 'Unreadable') return true;
    const waitedMs = clock.now().getTime() - Date.parse(first.metadata.at);
    return waitedMs >= Math.min(stoodMs, STANDS_MS.local);
  }
}

const latest = (...instants: readonly Date[]): Date =>
  new Date(Math.max(...instants.map((instant) => instant.getTime())));

async function findFirstContent(
  store: Pick<EventStore, 'readLog'>,
  checkpoint: Position | null,
): Promise<LogEntry | null> {
  for (let after = checkpoint; ;) {
    const page = await store.readLog({ after, maxCount: 1, filter: { types: CONTENT_EVENT_TYPES } });
    const [first] = page.events;
    if (first !== undefined) return first;
    if (page.isEnd) return null;
    after = page.next;
  }
}
