import { alertStream, type EventStore } from '@holdfast/domain';
import type { AlertSubject } from './alert.ts';

/**
 * @param since  ISO instant
 * @returns when the alert was cleared last, by the log, in ms since 1970; null where that is not its last word since then
 */
export async function clearedInLogAt(
  store: EventStore,
  { code, subject }: AlertSubject,
  since: string,
): Promise<number | null> {
  const stream = alertStream(code, subject);
  const [last] = await store.readStream(stream, { direction: 'backwards', maxCount: 1 });
  const isCleared = last?.type === 'AlertCleared' && Date.parse(last.metadata.at) >= Date.parse(since);
  return isCleared ? Date.parse(last.metadata.at) : null;
}
