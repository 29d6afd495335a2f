import { hasCode, toHoldfastError } from '@holdfast/domain';
import type { Alerts } from './alerts.ts';

const CODE = 'LOG_MISMATCH';

/**
 * A process that must not run on what it finds says so to people before it ends: nobody else would.
 * @param subject  the process: `web-1/api`
 * @param check    throws LOG_MISMATCH where data directory and log do not belong together
 * @throws what the check throws
 */
export async function tellOfMismatch(alerts: Alerts, subject: string, check: () => void): Promise<void> {
  try {
    check();
  } catch (error) {
    if (hasCode(error, CODE)) {
      const message = `${subject} does not start. ${toHoldfastError(error).message}`;
      await alerts.raiseAtEnd({ code: CODE, subject, severity: 'critical', message, details: {} });
    }
    throw error;
  }
}
