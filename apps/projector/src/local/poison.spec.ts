import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ReplayParameters } from '@holdfast/domain';
import { MemoryEventStore, published, record } from '@holdfast/domain/testing';
import { dataPaths, GenerationIndex, generationIndexFile } from '@holdfast/storage';
import {
  expectedTree,
  FaultyFiles,
  HISTORY,
  unreadableEvent,
  readTree,
  temporaryDirectory,
} from '@holdfast/storage/testing';
import type { LocalProjectorPorts } from './local-projector.ts';
import { generationsOf, type LocalNode, startLocalNode, until } from './testing/local-node.ts';

const EVERYTHING: ReplayParameters = { until: null, prefix: null, out: null };
const noProgress = { onProgress: () => undefined, signal: new AbortController().signal };
const UNREADABLE = unreadableEvent('content-units/u2.json', 1);

const cleanups: (() => Promise<void> | void)[] = [];
let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
let store: MemoryEventStore;
beforeEach(() => {
  directory = temporaryDirectory();
  dataDir = join(directory.path, 'data');
  store = new MemoryEventStore();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  directory.remove();
});

async function start(ports: Partial<LocalProjectorPorts> = {}): Promise<LocalNode> {
  const node = await startLocalNode({ store, dataDir, ...ports });
  cleanups.push(node.stop);
  return node;
}

const content = (): string => join(dataDir, 'content/');
const live = (): Record<string, string | null> => readTree(content());
const generations = (): string[] => generationsOf(dataDir);

describe('an event that cannot be read', () => {
  it('is passed live, stops a replay, and is passed again when files come back', async () => {
    await record(store, ...HISTORY);
    const { projector, lines, stop } = await start();
    await projector.caughtUp();
    store.log.write(UNREADABLE);
    const events = [published('after.json', '1')];
    await record(store, ...events);
    await projector.caughtUp();
    const tree = expectedTree([...HISTORY, ...events]);
    expect(live()).toEqual(tree);
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { stream: UNREADABLE.stream, code: 'EVENT_UNREADABLE' },
    });

    await expect(projector.replay(EVERYTHING, noProgress)).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
    });
    expect(generations()).toEqual(['000001', '000001.db']);
    expect(projector.status().state).toBe('running');

    await stop();
    rmSync(join(dataDir, 'generations'), { recursive: true });
    const again = await start();
    await again.projector.caughtUp();
    expect(live()).toEqual(tree);
    expect(again.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('is made up for by the version that can read it', async () => {
    await record(store, ...HISTORY);
    store.log.write(UNREADABLE);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    // What a newer program would make of it.
    const known = published('units/u2.json', '22');
    const at = store.log.events.findIndex(({ id }) => id === UNREADABLE.id);
    const { body, data, metadata } = known;
    const readable = {
      type: known.type,
      data: JSON.stringify(data),
      metadata: JSON.stringify(metadata),
      body,
    };
    store.log.events[at] = { ...store.log.events[at]!, ...readable };
    Object.assign(store.log.stream(UNREADABLE.stream)[1]!, readable);
    rmSync(dataPaths(dataDir).catalog('projector'));
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree([...HISTORY, known]));
  });

  it('is recorded too where its path waited when it became so', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
      where: 'units/u2.json',
    });
    const { projector, lines, stop } = await start({ files });
    await projector.caughtUp();
    const [waiting] = await record(store, published('units/u2.json', '1'));
    await until('it waits', () => projector.status().pending === 1);
    const at = store.log.events.findIndex(({ position }) => position === waiting!.position);
    store.log.events[at] = { ...store.log.events[at]!, data: 'no JSON' };
    files.heal();
    await projector.caughtUp();
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { position: waiting!.position, code: 'EVENT_UNREADABLE' },
    });
    await stop();
    const index = GenerationIndex.open(generationIndexFile(dataDir, '000001'));
    expect(index.poison()).toEqual([expect.objectContaining({ position: waiting!.position })]);
    index.close();
  });

  it('a damaged body is passed live, stops a replay, and the version before comes back', async () => {
    await record(store, ...HISTORY, { ...published('units/u1.json', '9'), body: Buffer.from('damaged') });
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    await expect(projector.replay(EVERYTHING, noProgress)).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
    });
    expect(live()).toEqual(expectedTree(HISTORY));
  });
});
