import { alertStream, type EventStore } from '@holdfast/domain';
import type { AlertSubject } from './alert.ts';

/** Whether the last word of the log about the alert is that it is over. */
export async function isClearedInLog(store: EventStore, { code, subject }: AlertSubject): Promise<boolean> {
  const [last] = await store.readStream(alertStream(code, subject), { direction: 'backwards', maxCount: 1 });
  return last?.type === 'AlertCleared';
}
