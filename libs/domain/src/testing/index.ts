export {
  AT,
  deleted,
  document,
  fixtureId,
  LOG_ID,
  METADATA,
  newEvent,
  OTHER_LOG_ID,
  path,
  published,
  record,
  recorded,
  streamOf,
} from './fixtures.ts';
export { MemoryEventStore, MemoryLog } from './memory-event-store.ts';
export { type Fault, faultyAppends, FaultyObjectStore } from './faulty.ts';
export { MemoryObjectStore } from './memory-object-store.ts';
export { objectStoreContract, type OpenedObjectStore } from './object-store.contract.ts';
export { eventStoreContract, type ForeignEvent, type OpenedEventStore } from './event-store.contract.ts';
export { eventually, idsOf, readAllPages, readWholeLog } from './whole-log.ts';
export { ManualClock } from './manual-clock.ts';
