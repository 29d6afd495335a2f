import { HoldfastError, isHoldfastError } from '@holdfast/domain';
import { acquireLock, type FileLock } from '@holdfast/sqlite';
import { dataPaths } from './data-paths.ts';

const HOLDERS = { api: 'the API', local: 'the local projector', cdn: 'the CDN projector' } as const;

/**
 * Takes one of the data directory's locks, which one process holds at a time.
 * @throws DATA_DIR_IN_USE naming who holds it; DATA_DIR_UNUSABLE, DISK_FULL, DATABASE_CORRUPT
 */
export const lockDataDirectory = (dataDir: string, name: keyof typeof HOLDERS): FileLock =>
  acquireLock(dataPaths(dataDir).locks[name], { what: HOLDERS[name] });

/**
 * Keeps a node's name for the projectors of one process, among those that share a data directory.
 * @throws LOCK_TAKEN; DATA_DIR_UNUSABLE, DISK_FULL, DATABASE_CORRUPT
 */
export function lockNodeName(dataDir: string, node: string): FileLock {
  try {
    return acquireLock(dataPaths(dataDir).locks.node(node), { what: `the projectors of ${node}` });
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'DATA_DIR_IN_USE') throw error;
    const { pid, host } = error.context;
    const isKnown = typeof pid === 'number' && typeof host === 'string';
    const holder = isKnown ? `Process ${pid} on ${host}` : 'Another process';
    throw new HoldfastError('LOCK_TAKEN', `${holder} has it.`, { context: error.context, cause: error });
  }
}
