import { toHoldfastError } from '@holdfast/domain';
import type { FastifyBaseLogger } from 'fastify';

const CLOSE_WITHIN_MS = 4_500;

/**
 * Ends the process when it is asked to, when its supervisor is gone, or after a failure nobody handled. What is
 * under way gets a few seconds; nothing that was acknowledged depends on it.
 * @param broken  resolves with the failure of a part that only a new start can help
 */
export function stopOnSignals(
  close: () => Promise<void>,
  logger: FastifyBaseLogger,
  broken: Promise<unknown>,
): void {
  let isStopping = false;
  const stop = (why: string, exitCode: number): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info(`stopping: ${why}`);
    setTimeout(() => {
      logger.warn('something did not end in time; stopping without it');
      process.exit(exitCode);
    }, CLOSE_WITHIN_MS).unref();
    close().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed');
        process.exit(exitCode === 0 ? 1 : exitCode);
      },
    );
  };
  process.once('SIGINT', () => {
    stop('SIGINT', 0);
  });
  process.once('SIGTERM', () => {
    stop('SIGTERM', 0);
  });
  process.removeAllListeners('disconnect').once('disconnect', () => {
    stop('the supervisor is gone', 0);
  });
  // Whether a new start helps is for the new start to find out.
  const giveUp = (error: unknown): void => {
    const { code, message } = toHoldfastError(error);
    logger.fatal({ err: error, code }, message);
    stop(code, 1);
  };
  process.on('uncaughtException', giveUp);
  void broken.then(giveUp);
}
