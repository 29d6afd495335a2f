import { z } from 'zod';

/**
 * Values with commas between them; spaces around them do not count.
 * @param maxCount  how many there may be
 */
export const list = <Value>(value: z.ZodType<Value, string>, maxCount: number) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(value).max(maxCount, `has more than ${maxCount} values`));

/** Some of the known words, each at most once. */
export const words = <const Word extends string>(known: readonly [Word, ...Word[]]) =>
  list(z.enum(known, `is not a list of ${known.join(', ')} (some of them, with commas between)`), 100).refine(
    (chosen) => new Set(chosen).size === chosen.length,
    'names one of them twice',
  );
