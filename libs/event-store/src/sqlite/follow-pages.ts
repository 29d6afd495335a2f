import type { LogPage, ReadLogOptions, SubscribeOptions } from '@holdfast/domain';

/** The net for rings that were lost; also keeps `onCurrent` coming. */
const POLL_MS = 250;
const DEFAULT_PAGE = 256;

/**
 * Pages from a position on, for ever: what is there, then what comes.
 * @param readLog  throws when the store is lost
 * @param listen   calls back soon after each append, and when the store is closed
 */
export async function* followPages(
  options: SubscribeOptions,
  readLog: (options: ReadLogOptions) => Promise<LogPage>,
  listen: (callback: () => void) => () => void,
): AsyncGenerator<LogPage, void, undefined> {
  const { signal, onCurrent, maxCount = DEFAULT_PAGE, ...where } = options;
  const alarm = new Alarm();
  const ring = (): void => {
    alarm.ring();
  };
  const stopListening = listen(ring);
  signal.addEventListener('abort', ring);
  try {
    let { after } = options;
    let hasSaidEnd = false;
    while (!signal.aborted) {
      // Before reading: what is appended while it reads then rings for the next round.
      alarm.set();
      const page = await readLog({ ...where, after, maxCount });
      const isNews = page.events.length > 0 || page.next !== after || (page.isEnd && !hasSaidEnd);
      hasSaidEnd ||= page.isEnd;
      after = page.next;
      if (isNews) {
        if (signal.aborted) return;
        yield page;
      } else if (page.isEnd) {
        onCurrent?.();
        await alarm.rung(POLL_MS);
      }
    }
  } finally {
    stopListening();
    signal.removeEventListener('abort', ring);
  }
}

class Alarm {
  #hasRung = false;
  #wake: (() => void) | null = null;

  set(): void {
    this.#hasRung = false;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring since `set`, at once where there was one, or after `ms`. */
  async rung(ms: number): Promise<void> {
    if (this.#hasRung) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
