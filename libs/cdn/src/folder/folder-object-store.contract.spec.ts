import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { objectStoreContract } from '@holdfast/domain/testing';
import { FolderObjectStore } from './folder-object-store.ts';

describe('FolderObjectStore', () => {
  objectStoreContract(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bucket-'));
    return {
      store: new FolderObjectStore({ folder }),
      dispose: () => rm(folder, { recursive: true }),
    };
  });
});
