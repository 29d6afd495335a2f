import { Cron } from 'croner';
import { z } from 'zod';

/** Five fields (minute, hour, day, month, weekday); null: `off`. */
export const cronPattern = z.string().transform((text, context): string | null => {
  const pattern = text.trim();
  if (pattern === 'off') return null;
  try {
    if (!/^\S+(?:\s+\S+){4}$/.test(pattern)) throw new Error('it has not five fields');
    if (new Cron(pattern, { paused: true }).nextRun() !== null) return pattern;
    throw new Error('there is no such day');
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '');
    context.addIssue(`is neither \`off\` nor a cron pattern of five fields, such as 0 2 * * *: ${why}`);
    return z.NEVER;
  }
});

export const timezone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}, 'is no time zone that this machine knows');
