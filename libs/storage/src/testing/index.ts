export { readTree, temporaryDirectory } from './directories.ts';
export { expectedTree } from './expected-tree.ts';
export { type Fault, FaultyFiles, NEEDS_ROOM } from './faulty-files.ts';
export { HISTORY, unreadableEvent } from './history.ts';
export { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from './small-disk.ts';
