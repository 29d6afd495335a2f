import { type Clock, HoldfastError, type TakeLock } from '@holdfast/domain';
import { LockHolder, untilAborted } from './lock-holder.ts';
import type { ProjectorLog } from './projector-log.ts';

/** Longer than an event store holds on to a process that is gone without a word. */
const PATIENCE_MS = 45_000;

/**
 * Makes sure that no other process has this one's name, on another machine or with other projectors on this one: two
 * would run each other's jobs, and each other's reports would hide that one is gone. The name is kept until the holder
 * is closed.
 * @throws NODE_NAME_IN_USE where another keeps it; what the lock throws that will not pass
 */
export async function claimName(options: {
  node: string;
  lock: TakeLock;
  clock: Clock;
  log: ProjectorLog;
}): Promise<LockHolder> {
  const { node, clock } = options;
  const claimed = Promise.withResolvers<void>();
  const holder = new LockHolder({
    ...options,
    what: `node ${node}`,
    work: async (until) => {
      claimed.resolve();
      await untilAborted(until);
    },
  });
  holder.start(claimed.reject);
  const done = new AbortController();
  void clock.sleep(PATIENCE_MS, done.signal).then(() => {
    claimed.reject(inUse(node, holder.why));
  });
  try {
    await claimed.promise;
    return holder;
  } catch (error) {
    await holder.close();
    throw error;
  } finally {
    done.abort();
  }
}

const inUse = (node: string, why: string | null): HoldfastError =>
  new HoldfastError(
    'NODE_NAME_IN_USE',
    `The name ${node} could not be had for ${PATIENCE_MS / 1_000} s: ${why ?? 'the event store did not answer'} Give each process with projectors a name of its own (HOLDFAST_NODE).`,
    { context: { node } },
  );
