import type { LogEntry } from '../events.ts';
import type { EventStore, LogPage, ReadLogOptions } from '../ports/event-store.ts';

/** Every page of the log, until one says that it is the last. */
export async function readAllPages(
  store: EventStore,
  options: Partial<ReadLogOptions> = {},
): Promise<LogPage[]> {
  const pages: LogPage[] = [];
  let after = options.after ?? null;
  for (;;) {
    const page = await store.readLog({ maxCount: 1_000, ...options, after });
    pages.push(page);
    if (page.isEnd) return pages;
    if (page.next === after) throw new Error(`The log does not go on after ${after}, and does not end there`);
    after = page.next;
  }
}

export const readWholeLog = async (
  store: EventStore,
  options: Partial<ReadLogOptions> = {},
): Promise<LogEntry[]> => (await readAllPages(store, options)).flatMap(({ events }) => events);

export const idsOf = (events: readonly LogEntry[]): string[] => events.map(({ id }) => id);

/** Waits for a condition, and says what was waited for when it does not come. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Within ${deadlineMs} ms it did not happen that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
