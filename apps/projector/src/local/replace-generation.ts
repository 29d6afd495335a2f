import { laterPosition, toHoldfastError } from '@holdfast/domain';
import {
  flipTo,
  type GenerationName,
  liveGeneration,
  removeUnfinishedGenerations,
  trimGenerations,
} from '@holdfast/storage';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { Turns } from '../runtime/turns.ts';
import { type BuildOptions, type BuildPorts, GenerationBuild } from './build-generation.ts';
import type { LiveFiles } from './live-files.ts';
import type { OpenGeneration } from './live-generation.ts';

/** Generations kept beside the live one. */
const KEEP = 1;

type Ports = BuildPorts & { readonly log: ProjectorLog };

/**
 * Builds the next generation, catches it up while intake goes on, and flips to it while intake pauses. One call at a time.
 * @param current.writing  whatever writes to the live generation takes its turn here
 * @returns counts: documents, previous versions, bytes, and the generation's number
 * @throws as `GenerationBuild`; the one before is live then, and the build is removed, if that can be done
 */
export async function replaceGeneration(
  ports: Ports,
  { live, writing }: { live: LiveFiles; writing: Turns },
  options: BuildOptions,
): Promise<Record<string, number>> {
  const { dataDir, files, store } = ports;
  const build = new GenerationBuild(ports, options);
  try {
    await build.fill();
    await build.catchUp(null);
    options.onProgress({ phase: 'flipping', done: 0, total: null });
    await writing.take(async () => {
      await build.catchUp(laterPosition(await store.head(), live.handled));
      options.signal.throwIfAborted();
      try {
        flipTo(dataDir, build.name, files);
      } catch (error) {
        if (liveGeneration(dataDir) !== build.name) throw error;
        warn(
          ports,
          error,
          'The new generation is live; after a power cut now, the one before may be live again.',
        );
      }
      takeOver(ports, live, build.release());
    });
  } catch (error) {
    await discard(ports, build);
    throw error;
  }
  return { ...build.counts, generation: Number(build.name) };
}

/** Keeps the generation before the live one, and no other. What cannot be removed only takes room: nothing is thrown. */
export const removeOldGenerations = (ports: Ports): Promise<void> =>
  tidy(ports, (dataDir) => trimGenerations(dataDir, KEEP));

/** Builds that are killed again and again would fill the disk. Throws nothing either. */
export const removeUnfinishedBuilds = (ports: Ports): Promise<void> =>
  tidy(ports, removeUnfinishedGenerations);

/** The generation is live: whatever fails while it is taken over, it is the one to go on with. */
function takeOver(ports: Ports, live: LiveFiles, generation: OpenGeneration): void {
  try {
    live.takeOver(generation);
  } catch (error) {
    warn(ports, error, 'The new generation is live; letting go of the one before failed.');
  }
}

/** Removes a build, but never the generation that readers may see; why it failed is the caller's to tell. */
async function discard(ports: Ports, build: GenerationBuild): Promise<void> {
  try {
    if (liveGeneration(ports.dataDir) === build.name) build.close();
    else await build.discard();
  } catch (error) {
    build.close();
    warn(ports, error, `Generation ${build.name}, which was not finished, is left for later.`);
  }
}

async function tidy(ports: Ports, remove: (dataDir: string) => Promise<GenerationName[]>): Promise<void> {
  try {
    const removed = await remove(ports.dataDir);
    if (removed.length > 0) ports.log.info({ removed }, 'removed generations that are not live');
  } catch (error) {
    warn(ports, error, 'Generations that are not live are left; the next flip or start tries again.');
  }
}

function warn({ log }: Ports, error: unknown, consequence: string): void {
  const known = toHoldfastError(error);
  log.warn({ code: known.code, ...known.context }, `${known.message} ${consequence}`);
}
