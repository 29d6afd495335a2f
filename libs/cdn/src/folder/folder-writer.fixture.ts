// A process of its own for a spec: puts and deletes the same keys as its siblings, as fast as it can.
import { createHash } from 'node:crypto';
import { FolderObjectStore } from './folder-object-store.ts';

const [folder = '', writer = '', rounds = '0'] = process.argv.slice(2);
const store = new FolderObjectStore({ folder });

for (let round = 0; round < Number(rounds); round += 1) {
  const bytes = Buffer.from(`${writer} ${round};`.repeat(2_000));
  const keys = ['shared/a.json', 'shared/deep/b.json', `own/${writer}/${round}.json`];
  const put = (key: string) =>
    store.put(key, bytes, {
      contentType: 'application/json',
      cacheControl: null,
      md5: createHash('md5').update(bytes).digest('hex'),
      metadata: { text: `${writer} ${round};` },
    });
  await Promise.all(keys.map(put));
  if (round % 2 === 1) await store.deleteMany(['shared/deep/b.json', `own/${writer}/${round}.json`]);
}
await store.close();
