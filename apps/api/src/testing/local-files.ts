import { createHash, randomUUID } from 'node:crypto';
import {
  ContentTree,
  flipTo,
  GenerationIndex,
  generationIndexFile,
  generationRoot,
  makeGeneration,
} from '@holdfast/storage';

/** Writes local files and their index as a local projector does. */
export class LocalFiles {
  readonly #dataDir: string;
  readonly #logId: string;
  #live: { tree: ContentTree; index: GenerationIndex; root: string } | null = null;

  constructor(dataDir: string, logId: string) {
    this.#dataDir = dataDir;
    this.#logId = logId;
  }

  /** Where the live files are. */
  get root(): string {
    return this.#open().root;
  }

  async write(path: string, content: string, at: { version: number; position: string }): Promise<void> {
    const bytes = Buffer.from(content);
    const { tree, index } = this.#open();
    const temporary = randomUUID();
    await tree.change({ replace: [{ path, bytes, previous: null, temporary }], remove: [] });
    index.commit({
      files: [
        {
          path,
          ...at,
          state: 'live',
          sha256: createHash('sha256').update(bytes).digest('hex'),
          md5: createHash('md5').update(bytes).digest('hex'),
          bytes: bytes.length,
          contentType: 'application/json',
        },
      ],
      checkpoint: at.position,
    });
  }

  close(): void {
    this.#live?.index.close();
    this.#live = null;
  }

  #open() {
    if (this.#live !== null) return this.#live;
    const name = makeGeneration(this.#dataDir);
    const index = GenerationIndex.create(generationIndexFile(this.#dataDir, name), {
      logId: this.#logId,
      durability: 'full',
    });
    flipTo(this.#dataDir, name);
    const root = generationRoot(this.#dataDir, name);
    this.#live = { tree: new ContentTree({ root }), index, root };
    return this.#live;
  }
}
