import { alertStream, type EventStore, type NewEvent } from '@holdfast/domain';
import type { Alert, AlertSubject } from './alert.ts';
import type { Notice, Notifier } from './notice.ts';

/**
 * Appends `AlertRaised` and `AlertCleared`, where that changes what the log says of the alert; another `AlertRaised`
 * where the alert says something else by now. An append whose outcome is unknown is repeated with the same id.
 * @param actor     who raises and clears; an alert that was not known to be raised is cleared only where this one raised
 *                  it, or where one process watches it for the whole system
 * @param onTurned  told of each doubtful notice that turned what another process has said, as people are to be told;
 *                  perhaps twice, with the same id
 */
export const recordInLog = (
  store: EventStore,
  actor: string,
  onTurned: (notice: Notice) => void,
): Notifier => ({
  name: 'log',
  maxCount: 1,
  deliver: async (notices) => {
    for (const notice of notices) {
      const { code, subject } = notice.alert;
      const stream = alertStream(code, subject);
      const events = await store.readStream(stream, { direction: 'backwards', maxCount: 2 });
      // This notice's own is there where the answer to its append was lost.
      const last = events.find(({ id }) => id !== notice.id);
      const isRaised = last?.type === 'AlertRaised';
      const { isDoubtful = false, ...certain } = notice;
      const { kind } = notice;
      if (kind !== 'raised' && !isRaised) continue;
      if (kind !== 'cleared' && isRaised && (isDoubtful || saysTheSame(last.data, notice.alert))) continue;
      const isOwn = last?.metadata.actor === actor || isOneForAll(notice.alert);
      if (isDoubtful && isRaised && !isOwn) continue;
      await store.append(stream, [eventOf(notice, actor)], 'any');
      if (!isDoubtful || last === undefined) continue;
      if (!isRaised) onTurned(certain);
      else {
        const { severity, details } = last.data;
        onTurned({ ...certain, alert: { ...notice.alert, severity, details }, raisedAt: last.metadata.at });
      }
    }
  },
});

const saysTheSame = (one: Alert, other: Alert): boolean =>
  one.severity === other.severity && one.message === other.message;

/** A silent node is missed by one process, though the subject is the node. */
const isOneForAll = ({ code, subject }: AlertSubject): boolean => subject === '-' || code === 'NODE_SILENT';

function eventOf({ id, kind, alert, at }: Notice, actor: string): NewEvent {
  const { code, subject, severity, message, details } = alert;
  const metadata = { correlationId: id, causationId: id, actor, at };
  return kind === 'cleared'
    ? { type: 'AlertCleared', id, metadata, data: { code, subject, message } }
    : { type: 'AlertRaised', id, metadata, data: { code, subject, severity, message, details } };
}
