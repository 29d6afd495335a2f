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
