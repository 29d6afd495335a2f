import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { dataPaths } from './data-paths.ts';
import { errnoOf, fileFailure } from './file-errors.ts';

/** A generation's name: its number, six digits or more, as its directory and its index are called. */
export type GenerationName = string;

const NAME = /^\d{6,}$/;
const LINK = /^generations\/(\d{6,})\/?$/;
const INDEX_FILE = /^(\d{6,})\.db$/;

export const generationName = (number: number): GenerationName => String(number).padStart(6, '0');

/** The target of the content link: relative, so that the data directory can be moved. */
export const contentLinkTarget = (name: GenerationName): string => `generations/${name}`;

export const generationRoot = (dataDir: string, name: GenerationName): string =>
  join(dataPaths(dataDir).generations, name);

export const generationIndexFile = (dataDir: string, name: GenerationName): string =>
  join(dataPaths(dataDir).generations, `${name}.db`);

/**
 * Which generation the content link names; nothing else says which one is live.
 * @returns null where there is no link, or one that names no generation
 */
export function liveGeneration(dataDir: string): GenerationName | null {
  const { contentLink } = dataPaths(dataDir);
  try {
    return LINK.exec(readlinkSync(contentLink))?.[1] ?? null;
  } catch (error) {
    if (['ENOENT', 'EINVAL', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return null;
    throw fileFailure(error, { attempted: 'read the link', file: contentLink });
  }
}

/** Every generation there is a directory or an index of, the oldest first. */
export function listGenerations(dataDir: string): GenerationName[] {
  const { generations } = dataPaths(dataDir);
  try {
    const names = new Set<string>();
    for (const entry of readdirSync(generations)) {
      const name = NAME.test(entry) ? entry : INDEX_FILE.exec(entry)?.[1];
      if (name !== undefined) names.add(name);
    }
    return [...names].sort((a, b) => Number(a) - Number(b));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileFailure(error, { attempted: 'list', file: generations });
  }
}
