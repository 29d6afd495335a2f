import type { Catalog, DueReplication } from '@holdfast/catalog';
import { type Clock, isPositionAtOrAfter, type Position } from '@holdfast/domain';
import { isMaterialised, type LocalFiles } from './replicate.ts';
import type { Settling } from './settling.ts';

export type DueCatalog = Pick<Catalog, 'replicationsDue' | 'document' | 'checkpoint'>;

/** A path that may be replicated now. */
export interface Taken {
  readonly due: DueReplication;
  /** What the catalog reflected when it said so. */
  readonly asOf: Position | null;
}

interface Waiting extends Taken {
  readonly since: number;
}

/** Asked from the catalog at a time; as many as can be deleted in one call. */
const PAGE = 1_000;
/** No more are asked for while so many wait. */
const MAX_WAITING = 1_024;
/** And none at all while so many do, fresh or not: a local projector that stands still must not bring the whole queue into memory. */
const MOST_WAITING = 16 * 1_024;
/** Where many wait, each of them is read over whenever more are asked for: no more often than this. */
const ASK_EVERY_MS = 1_000;
/** After this long, a path that still waits is taken for one that waits alone, and does not hold up others. */
const STALLED_AFTER_MS = 5_000;
/** Where many wait, their files are looked for no more often than this. */
const FEW = 64;
const LOOK_EVERY_MS = 100;

/**
 * The paths whose replication is due, a page at a time: which may go, which wait for their local file or until they
 * are settled, which are being worked on. It knows nothing that the catalog does not, so it can be emptied at any moment.
 */
export class DuePaths {
  readonly #catalog: DueCatalog;
  readonly #content: LocalFiles;
  readonly #clock: Clock;
  readonly #settling: Pick<Settling, 'mayGo'>;
  readonly #busy = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  #ready: Taken[] = [];
  #isStale = true;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(ports: {
    catalog: DueCatalog;
    content: LocalFiles;
    clock: Clock;
    settling: Pick<Settling, 'mayGo'>;
  }) {
    this.#catalog = ports.catalog;
    this.#content = ports.content;
    this.#clock = ports.clock;
    this.#settling = ports.settling;
  }

  /** The catalog may know of more than when it was last asked. */
  refresh(): void {
    this.#isStale = true;
  }

  /** Forgets all that is not being worked on. */
  clear(): void {
    this.#ready = [];
    this.#waiting.clear();
    this.#isStale = true;
  }

  /** How many wait for their local file, or until they are settled. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * The next to replicate: a put, or as many deletes as there are, up to `maxDeletes`. They count as being worked on
   * until `release`.
   * @param fits  whether a put of so many bytes may begin now; if not, none behind it does
   * @throws what reading the local index throws
   */
  take(maxDeletes: number, fits: (bytes: number) => boolean): Taken[] {
    this.#fill();
    this.#dropSuperseded();
    const first = this.#ready[0];
    if (first === undefined || (first.due.document !== null && !fits(first.due.document.bytes))) return [];
    const taken =
      first.due.action === 'put'
        ? [first]
        : this.#ready
            .filter(({ due }) => due.action === 'delete' && this.#isNewest(due))
            .slice(0, maxDeletes);
    const paths = new Set<string>(taken.map(({ due }) => due.path));
    this.#ready =
      taken.length === 1 ? this.#ready.slice(1) : this.#ready.filter(({ due }) => !paths.has(due.path));
    for (const path of paths) this.#busy.add(path);
    return taken;
  }

  release(path: string): void {
    this.#busy.delete(path);
    this.#isStale = true;
  }

  #fill(): void {
    this.#lookForFiles();
    const now = this.#clock.now();
    if (this.#waiting.size > MAX_WAITING && isWithin(ASK_EVERY_MS, this.#askedAt, now)) return;
    while (this.#isStale && this.#ready.length === 0 && this.#countFresh(now) < MAX_WAITING) {
      if (this.#waiting.size >= MOST_WAITING) return;
      this.#askedAt = now.getTime();
      const asOf = this.#catalog.checkpoint;
      const exclude = new Set([...this.#busy, ...this.#waiting.keys()]);
      const page = this.#catalog.replicationsDue({ now, limit: PAGE, exclude });
      const checkpoint = this.#content.checkpoint();
      for (const due of page) {
        if (this.#mayGo(due, checkpoint)) this.#ready.push({ due, asOf });
        else this.#waiting.set(due.path, { due, asOf, since: now.getTime() });
      }
      this.#isStale = page.length === PAGE;
    }
  }

  #lookForFiles(): void {
    const now = this.#clock.now();
    if (this.#waiting.size === 0) return;
    if (this.#waiting.size > FEW && isWithin(LOOK_EVERY_MS, this.#lookedAt, now)) return;
    this.#lookedAt = now.getTime();
    const checkpoint = this.#content.checkpoint();
    for (const [path, { due, asOf }] of this.#waiting) {
      if (!this.#mayGo(due, checkpoint)) continue;
      this.#waiting.delete(path);
      this.#ready.push({ due, asOf });
    }
  }

  /** It is settled, and its local file is there, or never will be, as the local projector has passed the event: then that is a failure. */
  #mayGo(due: DueReplication, checkpoint: Position | null): boolean {
    if (!this.#settling.mayGo(due)) return false;
    return (
      (checkpoint !== null && isPositionAtOrAfter(checkpoint, due.position)) ||
      isMaterialised(this.#content, due)
    );
  }

  #dropSuperseded(): void {
    for (
      let first = this.#ready[0];
      first !== undefined && !this.#isNewest(first.due);
      first = this.#ready[0]
    ) {
      this.#ready.shift();
      // The catalog left the path out while this was here.
      this.#isStale = true;
    }
    if (this.#ready.length === 0 && this.#isStale) this.#fill();
  }

  #isNewest({ path, version }: DueReplication): boolean {
    return this.#catalog.document(path)?.version === version;
  }

  #countFresh(now: Date): number {
    if (this.#waiting.size < MAX_WAITING) return 0;
    return [...this.#waiting.values()].filter(({ since }) => isWithin(STALLED_AFTER_MS, since, now)).length;
  }
}

/** Whether it was less than `ms` ago; not where the clock was set back since. */
const isWithin = (ms: number, since: number, now: Date): boolean =>
  since <= now.getTime() && now.getTime() - since < ms;
