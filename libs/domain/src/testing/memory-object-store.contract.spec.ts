import { describe } from '@jest/globals';
import { MemoryObjectStore } from './memory-object-store.ts';
import { objectStoreContract } from './object-store.contract.ts';

describe('MemoryObjectStore', () => {
  objectStoreContract(() => ({ store: new MemoryObjectStore() }));
});
