import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type EventStore, systemClock } from '@holdfast/domain';
import { deleted, published, record } from '@holdfast/domain/testing';
import { copyLog, openEventStore } from '@holdfast/event-store';
import { expectedTree, HISTORY } from '@holdfast/storage/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LocalWorld } from './testing/local-world.ts';

const STOPS =
  'was made from version 0 of units/new.json, which the event log, another store than before, has not';
const POSITION_LENGTH = { sqlite: 16, esdb: 40 };

let world: LocalWorld;
let server: EventStoreDbServer;

beforeEach(async () => {
  world = new LocalWorld();
  server = await startEventStoreDb();
  world.onDispose(() => server.close());
});
afterEach(() => world.dispose());

async function open(kind: 'sqlite' | 'esdb'): Promise<EventStore> {
  const file = join(world.directory, 'events.db');
  const { store } = await openEventStore(
    kind === 'sqlite'
      ? { kind, file, bellFile: `${file}.bell` }
      : { kind, url: server.url, streamPrefix: '' },
    { clock: systemClock, createIfMissing: kind === 'sqlite' },
  );
  return store;
}

/** Appends, and has the projector make files of it, unless it is told not to. */
async function work(
  kind: 'sqlite' | 'esdb',
  events: typeof HISTORY,
  options: { withFiles?: boolean } = {},
): Promise<string[]> {
  const store = await open(kind);
  await record(store, ...events);
  let messages: string[] = [];
  if (options.withFiles !== false) {
    const node = await world.start({ store, logId: await store.identity() });
    try {
      await node.projector.caughtUp();
    } finally {
      await node.stop();
    }
    messages = node.lines.map(({ message }) => String(message));
  }
  await store.close();
  return messages;
}

const copy = () =>
  copyLog({
    from: { file: join(world.directory, 'events.db') },
    to: { url: server.url, streamPrefix: '' },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });

const inodes = (): string[] =>
  readdirSync(world.live(), { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${name} ${lstatSync(world.live(name)).ino}`);

function index<Row>(sql: string): Row[] {
  const db = new DatabaseSync(world.at('generations/000001.db'));
  try {
    return db.prepare(sql).all() as Row[];
  } finally {
    db.close();
  }
}

const positionLengths = (): number[] =>
  index<{ length: number }>(
    `SELECT DISTINCT length(position) AS length FROM
       (SELECT position FROM files UNION ALL SELECT position FROM poison UNION ALL SELECT checkpoint FROM generation)`,
  ).map(({ length }) => length);

describe('after the log was copied to another store', () => {
  beforeEach(() => work('sqlite', HISTORY));

  it('no file is written again, and the index has the positions of the other store', async () => {
    const before = inodes();
    expect(positionLengths()).toEqual([POSITION_LENGTH.sqlite]);
    await copy();
    expect(await work('esdb', [])).not.toContain('building the local files from the log');
    expect(inodes()).toEqual(before);
    expect(positionLengths()).toEqual([POSITION_LENGTH.esdb]);
  });

  it('what the files lacked then comes, and what is published there', async () => {
    const lacking = [published('units/late.json', '1'), deleted('units/u2.json')];
    await work('sqlite', lacking, { withFiles: false });
    await copy();
    const there = [published('units/new.json', '2'), published('units/late.json', '3')];
    await work('esdb', there);
    expect(world.files()).toEqual(expectedTree([...HISTORY, ...lacking, ...there]));
  });

  it('a change that a crash cut short is done again', async () => {
    const [file] = index<{ path: string }>("SELECT path FROM files WHERE state = 'live'");
    index(
      `INSERT INTO intents SELECT path, version, position, '4b4a6f2e-0000-4000-8000-000000000000' FROM files WHERE path = '${file?.path}'`,
    );
    await copy();
    await work('esdb', []);
    expect(index('SELECT * FROM intents')).toEqual([]);
    expect(world.files()).toEqual(expectedTree(HISTORY));
  });

  it('an older copy is refused, and nothing is changed', async () => {
    await copy();
    await work('esdb', [published('units/new.json', '2')]);
    const [before, files] = [index('SELECT * FROM files'), world.files()];
    expect(await work('sqlite', [])).toEqual([expect.stringContaining(STOPS)]);
    expect(index('SELECT * FROM files')).toEqual(before);
    expect(world.files()).toEqual(files);
  });

  it('a copy that was gone on from differently is refused', async () => {
    await copy();
    await work('esdb', [published('units/new.json', '"here"')]);
    await work('sqlite', [published('units/new.json', '"there"')], { withFiles: false });
    expect(await work('sqlite', [])).toEqual([expect.stringContaining(STOPS)]);
  });
});
