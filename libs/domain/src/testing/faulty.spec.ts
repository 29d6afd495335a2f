import { describe, expect, it } from '@jest/globals';
import type { PutOptions } from '../ports/object-store.ts';
import { FaultyObjectStore } from './faulty.ts';
import { MemoryObjectStore } from './memory-object-store.ts';
import { objectStoreContract } from './object-store.contract.ts';

describe('FaultyObjectStore without faults', () => {
  objectStoreContract(() => ({ store: new FaultyObjectStore(new MemoryObjectStore()) }));
});

describe('FaultyObjectStore', () => {
  const options: PutOptions = {
    contentType: 'application/json',
    cacheControl: null,
    md5: '0cc175b9c0f1b6a831c399e269772661',
    metadata: {},
  };
  const a = Buffer.from('a');
  const unavailable = { code: 'OBJECT_STORE_UNAVAILABLE' };

  it('fails as many calls as it is told to, after as many as it is told to', async () => {
    const bucket = new FaultyObjectStore(new MemoryObjectStore());
    bucket.fail('put', { after: 1, times: 2 });
    await bucket.put('1.json', a, options);
    await expect(bucket.put('2.json', a, options)).rejects.toMatchObject(unavailable);
    await expect(bucket.put('3.json', a, options)).rejects.toMatchObject(unavailable);
    await bucket.put('4.json', a, options);
    const { objects } = await bucket.list({ prefix: '', after: null, maxCount: 10 });
    expect(objects.map(({ key }) => key)).toEqual(['1.json', '4.json']);
  });

  it('loses the answer of a call that was carried out', async () => {
    const bucket = new FaultyObjectStore(new MemoryObjectStore());
    bucket.fail('put', { lose: 'answer' });
    await expect(bucket.put('1.json', a, options)).rejects.toMatchObject(unavailable);
    expect(await bucket.head('1.json')).toMatchObject({ etag: options.md5 });
  });

  it('says which keys it did not delete', async () => {
    const bucket = new FaultyObjectStore(new MemoryObjectStore());
    await bucket.put('1.json', a, options);
    await bucket.put('2.json', a, options);
    bucket.refuseDelete('1.json');
    expect(await bucket.deleteMany(['1.json', '2.json'])).toMatchObject([
      { key: '1.json', error: unavailable },
    ]);
    expect(await bucket.head('1.json')).not.toBeNull();
    expect(await bucket.head('2.json')).toBeNull();
  });
});
