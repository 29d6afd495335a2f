import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs';

export interface Doorbell {
  /** Wakes every listener, in this process and in others. Never throws. */
  ring(): void;
  /**
   * @param callback  called soon after a ring, perhaps more than once, perhaps for nothing
   * @returns a function that ends the listening
   */
  listen(callback: () => void): () => void;
  close(): void;
}

/** After the file was replaced, or cannot be watched. */
const WATCH_AGAIN_MS = 250;
/** Not truncated: writing over the byte that is there works on a full disk too. */
const WRITE_OVER = constants.O_WRONLY | constants.O_CREAT;

/**
 * A file into which one process writes a byte to wake others that watch it. It only saves time: who relies
 * on being woken also looks by itself now and then, as rings may be lost.
 * @param file  made where it is missing
 */
export function openDoorbell(file: string): Doorbell {
  const listeners = new Set<() => void>();
  let watcher: FSWatcher | null = null;
  let again: NodeJS.Timeout | null = null;
  let isClosed = false;

  const wake = (): void => {
    for (const listener of [...listeners]) listener();
  };

  const unwatch = (): void => {
    watcher?.close();
    watcher = null;
    if (again !== null) clearTimeout(again);
    again = null;
  };

  const watchLater = (): void => {
    unwatch();
    if (isClosed || listeners.size === 0) return;
    again = setTimeout(watchFile, WATCH_AGAIN_MS);
    again.unref();
  };

  const watchFile = (): void => {
    unwatch();
    try {
      closeSync(openSync(file, WRITE_OVER));
      watcher = watch(file, { persistent: false }, (what) => {
        wake();
        // `rename` stands for all that makes this watch deaf: the file was moved, deleted or replaced.
        if (what === 'rename') watchLater();
      });
      watcher.on('error', watchLater);
    } catch {
      watchLater();
    }
  };

  return {
    ring: () => {
      if (isClosed) return;
      try {
        // By name each time, so that a file that was replaced is found.
        const fd = openSync(file, WRITE_OVER);
        try {
          writeSync(fd, '.', 0);
        } finally {
          closeSync(fd);
        }
      } catch {
        // Listeners look by themselves a little later.
      }
      if (listeners.size > 0) setImmediate(wake);
    },
    listen: (callback) => {
      // A function of its own, so that the same callback may listen twice.
      const listener = (): void => {
        callback();
      };
      listeners.add(listener);
      if (watcher === null && again === null && !isClosed) watchFile();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) unwatch();
      };
    },
    close: () => {
      isClosed = true;
      listeners.clear();
      unwatch();
    },
  };
}
