import { alertStream, type EventStore } from '@holdfast/domain';
import type { AlertSubject } from './alert.ts';

/** The log says that the alert was cleared after that instant. */
export async function hasEndedInLog(
  store: EventStore,
  { code, subject }: AlertSubject,
  since: string,
): Promise<boolean> {
  const stream = alertStream(code, subject);
  const [last] = await store.readStream(stream, { direction: 'backwards', maxCount: 1 });
  return last?.type === 'AlertCleared' && Date.parse(last.metadata.at) >= Date.parse(since);
}
