import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import { type EventStore, systemClock } from '@holdfast/domain';
import { dataPaths, prepareDataDirectory } from '@holdfast/storage';
import { LocalProjector, type LocalProjectorPorts } from '../local-projector.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: object;
}

/** A started local projector, with a catalog of its own. */
export interface LocalNode {
  readonly projector: LocalProjector;
  readonly catalog: Catalog;
  readonly lines: LogLine[];
  /** May be called more than once. */
  readonly stop: () => Promise<void>;
}

export async function startLocalNode(
  ports: { store: EventStore; dataDir: string } & Partial<LocalProjectorPorts>,
): Promise<LocalNode> {
  const { store, dataDir } = ports;
  prepareDataDirectory(dataDir);
  const catalog = await openCatalog({
    file: dataPaths(dataDir).catalog('projector'),
    store,
    clock: systemClock,
  });
  catalog.start(() => undefined);
  const lines: LogLine[] = [];
  const at = (level: string) => (facts: object, message: string) => {
    lines.push({ level, message, facts });
  };
  const log = { info: at('info'), warn: at('warn'), error: at('error') };
  const logId = await store.identity();
  const projector = new LocalProjector({ catalog, clock: systemClock, logId, log, ...ports });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await projector.close();
    await catalog.close();
  };
  await projector.start();
  return { projector, catalog, lines, stop };
}

/** Names of the generations' directories and indexes. */
export const generationsOf = (dataDir: string): string[] =>
  readdirSync(join(dataDir, 'generations')).filter((name) => !name.includes('.db-'));

export async function until(what: string, isSo: () => boolean, deadlineMs = 15_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`Waited ${deadlineMs} ms until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
