import { openDoorbell } from '@holdfast/sqlite';
import { dataPaths } from './data-paths.ts';

/** What the writer of the live generation rings after each commit and flip; content readers listen. */
export function openLocalBell(dataDir: string): { ring(): void; close(): void } {
  const bell = openDoorbell(dataPaths(dataDir).localBell);
  return { ring: () => bell.ring(), close: () => bell.close() };
}
