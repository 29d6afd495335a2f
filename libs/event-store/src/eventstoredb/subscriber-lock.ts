import { ErrorType } from '@eventstore/db-client';
import { type HeldLock, HoldfastError } from '@holdfast/domain';
import type { Connection } from './connection.ts';

const GROUP = 'holder';

/**
 * A lock kept by the server: a persistent subscription to a stream without events, which has one subscriber at a
 * time. The server lets go of a subscriber whose connection ends, or has been silent for some 20 seconds.
 * @param stream  never written to
 * @throws LOCK_TAKEN, and what the client throws
 */
export async function takeSubscriberLock(connection: Connection, stream: string): Promise<HeldLock> {
  try {
    return await subscribe(connection, stream);
  } catch (error) {
    if (!isOf(error, ErrorType.PERSISTENT_SUBSCRIPTION_DOES_NOT_EXIST)) throw error;
  }
  await connection.createSingleSubscription(stream, GROUP);
  return await subscribe(connection, stream);
}

async function subscribe(connection: Connection, stream: string): Promise<HeldLock> {
  const subscription = connection.subscribeSingle(stream, GROUP);
  const lost = new AbortController();
  const release = async (): Promise<void> => {
    await subscription.unsubscribe().catch(() => undefined);
    subscription.destroy();
  };
  try {
    await connection.inTime(
      new Promise<void>((resolve, reject) => {
        subscription.once('confirmation', resolve);
        subscription.on('error', (error: Error) => {
          reject(error);
          lost.abort(error);
        });
        for (const event of ['end', 'close'] as const) {
          subscription.on(event, () => {
            const error = new Error('the server ended the subscription without a reason');
            reject(error);
            lost.abort(error);
          });
        }
        // Nothing is ever sent, but without a reader an end would not be seen.
        subscription.resume();
      }),
    );
  } catch (error) {
    await release();
    throw isOf(error, ErrorType.MAXIMUM_SUBSCRIBERS_REACHED) ? taken(connection, stream) : error;
  }
  return { lost: lost.signal, release };
}

const isOf = (error: unknown, type: ErrorType): boolean => (error as { type?: string }).type === type;

const taken = ({ server }: Connection, stream: string): HoldfastError =>
  new HoldfastError('LOCK_TAKEN', `Another process holds the lock ${stream} at ${server}.`, {
    context: { stream, server },
  });
