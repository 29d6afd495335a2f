import type { Released } from '../cdn/stand-by.ts';

/** The same lock; whoever takes it has the work begun, and ended before another can take it. */
export const whileHeld =
  (lock: () => Released, work: { start(): void; stop(): void }): (() => Released) =>
  () => {
    const held = lock();
    work.start();
    return {
      release: () => {
        work.stop();
        held.release();
      },
    };
  };
