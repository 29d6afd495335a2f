import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { published } from '@holdfast/domain/testing';
import { GenerationIndex, generationIndexFile } from '@holdfast/storage';
import { expectedTree, FaultyFiles, HISTORY, unreadableEvent } from '@holdfast/storage/testing';
import { until } from './testing/local-node.ts';
import { EVERYTHING, LocalWorld, noProgress } from './testing/local-world.ts';

const UNREADABLE = unreadableEvent('content-units/u2.json', 1);

let world: LocalWorld;
beforeEach(() => {
  world = new LocalWorld();
});
afterEach(() => world.dispose());

describe('an event that cannot be read', () => {
  it('is passed live, stops a replay, and is passed again when files come back', async () => {
    await world.given(...HISTORY);
    const { projector, lines, stop } = await world.start();
    await projector.caughtUp();
    world.store.log.write(UNREADABLE);
    const events = [published('after.json', '1')];
    await world.given(...events);
    await projector.caughtUp();
    const tree = expectedTree([...HISTORY, ...events]);
    expect(world.files()).toEqual(tree);
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { stream: UNREADABLE.stream, code: 'EVENT_UNREADABLE' },
    });

    await expect(projector.replay(EVERYTHING, noProgress)).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
    });
    expect(world.generations()).toEqual(['000001', '000001.db']);
    expect(projector.status().state).toBe('running');

    await stop();
    rmSync(world.at('generations'), { recursive: true });
    const again = await world.start();
    await again.projector.caughtUp();
    expect(world.files()).toEqual(tree);
    expect(again.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('is made up for by the version that can read it', async () => {
    await world.given(...HISTORY);
    world.store.log.write(UNREADABLE);
    await world.ran();
    // What a newer program would make of it.
    const known = published('units/u2.json', '22');
    const at = world.store.log.events.findIndex(({ id }) => id === UNREADABLE.id);
    const { body, data, metadata } = known;
    const readable = {
      type: known.type,
      data: JSON.stringify(data),
      metadata: JSON.stringify(metadata),
      body,
    };
    world.store.log.events[at] = { ...world.store.log.events[at]!, ...readable };
    Object.assign(world.store.log.stream(UNREADABLE.stream)[1]!, readable);
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree([...HISTORY, known]));
  });

  it('is recorded too where its path waited when it became so', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
      where: 'units/u2.json',
    });
    const { projector, lines, stop } = await world.start({ files });
    await projector.caughtUp();
    const [waiting] = await world.given(published('units/u2.json', '1'));
    await until('it waits', () => projector.status().pending === 1);
    const at = world.store.log.events.findIndex(({ position }) => position === waiting!.position);
    world.store.log.events[at] = { ...world.store.log.events[at]!, data: 'no JSON' };
    files.heal();
    await projector.caughtUp();
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { position: waiting!.position, code: 'EVENT_UNREADABLE' },
    });
    await stop();
    const index = GenerationIndex.open(generationIndexFile(world.dataDir, '000001'));
    expect(index.poison()).toEqual([expect.objectContaining({ position: waiting!.position })]);
    index.close();
  });

  it('a damaged body is passed live, stops a replay, and the version before comes back', async () => {
    await world.given(...HISTORY, { ...published('units/u1.json', '9'), body: Buffer.from('damaged') });
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    await expect(projector.replay(EVERYTHING, noProgress)).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
    });
    expect(world.files()).toEqual(expectedTree(HISTORY));
  });
});
