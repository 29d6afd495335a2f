import { z } from 'zod';

/** Whose cache is purged when an object in the bucket changes. */
export type PurgeAddress =
  | { readonly kind: 'none' }
  /** `zone` is the zone's id: 32 lower-case hex digits. */
  | { readonly kind: 'cloudflare'; readonly zone: string };

export const purgeAddress = z.string().transform((text, context): PurgeAddress => {
  if (text === 'none') return { kind: 'none' };
  const zone = /^cloudflare:([0-9a-f]{32})$/i.exec(text)?.[1];
  if (zone !== undefined) return { kind: 'cloudflare', zone: zone.toLowerCase() };
  context.addIssue(
    text.startsWith('cloudflare:')
      ? 'does not name a zone by its id, which has 32 hex digits and stands on the zone’s overview page'
      : 'is neither "none" nor "cloudflare:<zone>"',
  );
  return z.NEVER;
});
