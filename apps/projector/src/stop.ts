import { toHoldfastError } from '@holdfast/domain';
import type { Logger } from 'pino';

/** Longer than any step in hand takes; whatever is cut short is done again by the next start. */
const CLOSE_WITHIN_MS = 4_500;

/**
 * Ends the process in order when it is asked to, when its supervisor has gone (nobody else would), or when
 * something failed that nobody foresaw.
 * @returns what ends it for another reason
 */
export function stopOnSignals(close: () => Promise<void>, logger: Logger): (exitCode: number) => void {
  let isStopping = false;
  const stop = (exitCode: number, why?: string): void => {
    if (isStopping) return;
    isStopping = true;
    if (why !== undefined) logger.info(`stopping: ${why}`);
    setTimeout(() => {
      logger.warn('not everything ended in time; stopping all the same');
      process.exit(exitCode);
    }, CLOSE_WITHIN_MS).unref();
    close()
      .catch((error: unknown) => {
        logger.error({ err: error }, `closing failed: ${toHoldfastError(error).message}`);
      })
      .finally(() => process.exit(exitCode));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop(0, signal);
    });
  }
  process.removeAllListeners('disconnect').once('disconnect', () => {
    stop(0, 'the supervisor has gone');
  });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error, code: 'INTERNAL' }, `unforeseen: ${error.message}`);
    stop(1);
  });
  return stop;
}
