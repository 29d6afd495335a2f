import { z } from 'zod';

/** How much of a disk must stay free: the smaller of the parts that are given. */
export interface DiskMinFree {
  /** Of the whole disk, 0 to 100. */
  readonly percent: number | null;
  readonly bytes: number | null;
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** `10%`, `5GiB` or both with a comma between. */
export const diskMinFree = z.string().transform((text, context): DiskMinFree => {
  let percent: number | null = null;
  let bytes: number | null = null;
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const size = parseSize(part);
    const share = parsePercent(part);
    const isRepeated = (size !== null && bytes !== null) || (share !== null && percent !== null);
    if ((size === null && share === null) || isRepeated) {
      context.addIssue(
        'is not a percentage, a size (B, KiB, MiB, GiB, TiB) or one of each with a comma between',
      );
      return z.NEVER;
    }
    bytes ??= size;
    percent ??= share;
  }
  return { percent, bytes };
});

function parseSize(text: string): number | null {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]i?B|B)$/.exec(text) ?? [];
  return amount === undefined ? null : Math.round(Number(amount) * (UNITS[unit] ?? 1));
}

function parsePercent(text: string): number | null {
  const [, amount] = /^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(text) ?? [];
  return amount === undefined || Number(amount) > 100 ? null : Number(amount);
}
