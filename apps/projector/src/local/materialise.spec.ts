import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type LogPage, type NewEvent, type Position, systemClock } from '@holdfast/domain';
import { deleted, LOG_ID, MemoryEventStore, published, record } from '@holdfast/domain/testing';
import { ContentTree, type FileOperations, GenerationIndex } from '@holdfast/storage';
import { expectedTree, FaultyFiles, readTree, temporaryDirectory } from '@holdfast/storage/testing';
import { Materialiser, type Settled } from './materialise.ts';
import { CONTENT_FILTER, foldPage } from './wanted.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A generation of local files over a log; `restart` is what a new process would see. */
class Node {
  readonly root: string;
  readonly store: MemoryEventStore;
  readonly #indexFile: string;
  #index: GenerationIndex;
  #materialiser: Materialiser;

  constructor(store: MemoryEventStore, files?: FileOperations) {
    const directory = temporaryDirectory();
    this.store = store;
    this.root = join(directory.path, '000001');
    mkdirSync(this.root);
    this.#indexFile = join(directory.path, '000001.db');
    this.#index = GenerationIndex.create(this.#indexFile, { logId: LOG_ID, durability: 'full' });
    this.#materialiser = this.#over(files);
    cleanups.push(() => {
      this.#index.close();
      directory.remove();
    });
  }

  get checkpoint(): Position | null {
    return this.#index.checkpoint;
  }

  get poison(): Position[] {
    return this.#index.poison().map(({ position }) => position);
  }

  get intents(): string[] {
    return this.#index.intents().map(({ path }) => path);
  }

  restart(files?: FileOperations): void {
    this.#index.close();
    this.#index = GenerationIndex.open(this.#indexFile);
    this.#materialiser = this.#over(files);
  }

  async handle(page: LogPage, after: Position | null): Promise<Settled> {
    const { wanted, unreadable } = foldPage(page, after);
    return this.#materialiser.settle(wanted, {
      unreadable,
      checkpoint: (failures) => (failures.size === 0 ? page.next : this.checkpoint),
    });
  }

  /** Everything after the checkpoint, in pages of so many events. */
  async catchUp(maxCount: number): Promise<void> {
    let after = this.checkpoint;
    for (;;) {
      const page = await this.store.readLog({ after, maxCount, filter: CONTENT_FILTER, withBodies: true });
      const { failures } = await this.handle(page, after);
      for (const failure of failures.values()) throw failure;
      if (page.isEnd) return;
      after = page.next;
    }
  }

  #over(files: FileOperations | undefined): Materialiser {
    const tree = new ContentTree({ root: this.root, ...(files === undefined ? {} : { files }) });
    return new Materialiser({ store: this.store, clock: systemClock, index: this.#index, tree });
  }
}

async function logOf(history: readonly NewEvent[]): Promise<MemoryEventStore> {
  const store = new MemoryEventStore();
  await record(store, ...history);
  return store;
}

/** Every page of the log twice, whatever the checkpoint says. */
async function deliverTwice(node: Node, maxCount: number, restarts: boolean): Promise<void> {
  for (let time = 1; time <= 2; time += 1) {
    let after: Position | null = null;
    for (;;) {
      const page: LogPage = await node.store.readLog({
        after,
        maxCount,
        filter: CONTENT_FILTER,
        withBodies: true,
      });
      await node.handle(page, after);
      await node.handle(page, after);
      if (restarts) node.restart();
      if (page.isEnd) break;
      after = page.next;
    }
  }
}

/** `given(history).thenFiles(tree)`: the whole tree, however the history is cut and repeated. */
const given = (...history: NewEvent[]) => ({
  async thenFiles(tree: Record<string, string>): Promise<void> {
    for (const maxCount of [1, 2, 100]) {
      for (const restarts of [false, true]) {
        const node = new Node(await logOf(history));
        await deliverTwice(node, maxCount, restarts);
        expect({ maxCount, restarts, tree: readTree(node.root) }).toEqual({ maxCount, restarts, tree });
        expect(node.intents).toEqual([]);
      }
    }
  },
});

describe('what the log says becomes files', () => {
  it('nothing, of nothing', () => given().thenFiles({}));

  it('a published document is a file with its bytes', () =>
    given(published('units/u1.json', '{ "a" : 1 }\n')).thenFiles({ 'units/u1.json': '{ "a" : 1 }\n' }));

  it('FR-004 the version before is kept as `.prev`', () =>
    given(published('a.json', '1'), published('a.json', '2'), published('a.json', '3')).thenFiles({
      'a.json': '3',
      'a.json.prev': '2',
    }));

  it('FR-003 a deleted document leaves nothing: no `.prev`, no directory', () =>
    given(published('a/b/c.json', '1'), published('a/b/c.json', '2'), deleted('a/b/c.json')).thenFiles({}));

  it('a directory that holds something else stays', () =>
    given(published('a/b.json', '1'), published('a/c.json', '2'), deleted('a/b.json')).thenFiles({
      'a/c.json': '2',
    }));

  it('what is published after a delete has no version before', () =>
    given(published('a.json', '1'), deleted('a.json'), published('a.json', '2')).thenFiles({
      'a.json': '2',
    }));

  it('and then one again', () =>
    given(
      published('a.json', '1'),
      deleted('a.json'),
      published('a.json', '2'),
      published('a.json', '3'),
    ).thenFiles({ 'a.json': '3', 'a.json.prev': '2' }));

  it('the same bytes published as another type are a version of their own', () =>
    given(published('a.json', '1'), published('a.json', '1')).thenFiles({
      'a.json': '1',
      'a.json.prev': '1',
    }));

  it('FR-019 the last writer wins, and every document is its own', () =>
    given(
      published('a.json', '1'),
      published('b.json', '2'),
      published('a.json', '3'),
      published('b.json', '4'),
      published('b.json', '5'),
    ).thenFiles({ 'a.json': '3', 'a.json.prev': '1', 'b.json': '5', 'b.json.prev': '4' }));

  it('a document may be large', () => {
    const large = JSON.stringify({ filling: 'x'.repeat(700_000) });
    return given(published('a.json', large), published('a.json', '2')).thenFiles({
      'a.json': '2',
      'a.json.prev': large,
    });
  });
});

const PATHS = ['a.json', 'd/a.json', 'd/e/b.json', 'd/e/f/c.json'];

const histories = fc.array(
  fc.record({ path: fc.constantFrom(...PATHS), isDelete: fc.boolean(), text: fc.nat(99) }),
  { minLength: 1, maxLength: 12 },
);

const toEvents = (history: readonly { path: string; isDelete: boolean; text: number }[]): NewEvent[] =>
  history.map(({ path, isDelete, text }) => (isDelete ? deleted(path) : published(path, String(text))));

describe('the tree is a function of the log', () => {
  it('for any history, cut into any pages, with repeats and restarts anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.array(
          fc.record({ size: fc.integer({ min: 1, max: 5 }), repeats: fc.boolean(), restarts: fc.boolean() }),
          {
            minLength: 12,
            maxLength: 12,
          },
        ),
        async (history, cuts) => {
          const events = toEvents(history);
          const node = new Node(await logOf(events));
          let after: Position | null = null;
          for (const { size, repeats, restarts } of cuts) {
            const options = { after, maxCount: size, filter: CONTENT_FILTER, withBodies: true };
            const page = await node.store.readLog(options);
            await node.handle(page, after);
            if (restarts) node.restart();
            if (!repeats) after = page.next;
          }
          await node.catchUp(3);
          expect(readTree(node.root)).toEqual(expectedTree(events));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('also when the process dies at any step, any number of times', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (history, deaths, pageSize) => {
          const events = toEvents(history);
          const node = new Node(await logOf(events));
          for (const at of deaths) {
            node.restart(new FaultyFiles({ at, lasts: 'from-then-on', code: 'EIO' }));
            await node.catchUp(pageSize).catch(() => undefined);
          }
          node.restart();
          await node.catchUp(pageSize);
          expect(readTree(node.root)).toEqual(expectedTree(events));
          expect(node.intents).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

it('keeps every live file whole, and gets there, whichever single file operation fails', async () => {
  const before = [published('a.json', '1'), published('d/b.json', '2'), published('d/e/c.json', '3')];
  const change = [
    published('a.json', '4'),
    deleted('d/e/c.json'),
    published('n/f.json', '6'),
    published('a.json', '5'),
  ];
  for (let at = 1; ; at += 1) {
    const node = new Node(await logOf(before));
    await node.catchUp(100);
    await record(node.store, ...change);
    const files = new FaultyFiles({ at, lasts: 'once', code: 'ENOSPC' });
    node.restart(files);
    await node.catchUp(100).catch(() => undefined);
    expect(['1', '5']).toContain(readTree(node.root)['a.json']);
    expect(readTree(node.root)).toMatchObject({ 'd/b.json': '2' });
    expect(Object.keys(readTree(node.root)).filter((name) => name.includes('.tmp.'))).toEqual([]);
    await node.catchUp(100);
    expect(readTree(node.root)).toEqual(expectedTree([...before, ...change]));
    if (!files.hasFailed) {
      expect(at).toBeGreaterThan(12);
      return;
    }
  }
});

describe('an event that nothing can be made of', () => {
  it('is recorded, and passed: the version before stays', async () => {
    const store = await logOf([published('a.json', '1')]);
    store.log.write({
      id: '00000000-0000-4000-8000-0000000000aa',
      stream: 'content-a.json',
      version: 1,
      type: 'ContentRenamed',
      v: 1,
      data: '{}',
      metadata: '{}',
      body: null,
      reference: null,
    });
    const unreadable = await store.head();
    await record(store, published('b.json', '2'));
    const node = new Node(store);
    await node.catchUp(100);
    expect([readTree(node.root), node.poison]).toEqual([{ 'a.json': '1', 'b.json': '2' }, [unreadable]]);
    // Nobody knows what it was: what comes after it has no version before.
    await record(store, published('a.json', '3'));
    await node.catchUp(100);
    expect(readTree(node.root)).toEqual({ 'a.json': '3', 'b.json': '2' });
  });

  it('so is one whose body is not what it says, in whatever page it comes', async () => {
    for (const maxCount of [1, 100]) {
      const store = new MemoryEventStore();
      const [, , damaged] = await record(store, published('a.json', '1'), published('a.json', '2'), {
        ...published('a.json', '3'),
        body: Buffer.from('damaged'),
      });
      const node = new Node(store);
      await node.catchUp(maxCount);
      expect(readTree(node.root)).toEqual({ 'a.json': '2', 'a.json.prev': '1' });
      expect(node.poison).toEqual([damaged!.position]);
      await record(store, published('a.json', '4'));
      await node.catchUp(maxCount);
      expect(readTree(node.root)).toEqual({ 'a.json': '4' });
    }
  });
});
