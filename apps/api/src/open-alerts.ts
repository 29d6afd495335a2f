import type { CatalogAlert } from '@holdfast/catalog';
import { ALERT_CODES, ALERT_SEVERITIES } from '@holdfast/domain';
import { z } from 'zod';
import type { Api } from './api.ts';

export const alertSchema = z.object({
  code: z.enum(ALERT_CODES).meta({ description: 'docs/runbook.md says what to do about each' }),
  subject: z.string().meta({ description: 'A node, a disk or a bucket; `-` where there is only one' }),
  severity: z.enum(ALERT_SEVERITIES),
  state: z.enum(['open', 'past']),
  message: z.string(),
  details: z.record(z.string(), z.json()),
  raisedAt: z.string(),
  clearedAt: z.string().nullable(),
  clearedBecause: z.string().nullable(),
  events: z
    .array(z.object({ type: z.string(), position: z.string(), at: z.string(), actor: z.string() }))
    .meta({ description: 'What the log says of it; none: the log has yet to take it' }),
});
export type AlertView = z.infer<typeof alertSchema>;

export function viewAlert({ raised, cleared, ...alert }: CatalogAlert): AlertView {
  const begun = { type: 'AlertRaised', ...raised };
  return {
    ...alert,
    state: cleared === null ? 'open' : 'past',
    raisedAt: raised.at,
    clearedAt: cleared?.at ?? null,
    clearedBecause: cleared?.message ?? null,
    events:
      cleared === null
        ? [begun]
        : [
            begun,
            {
              type: 'AlertCleared',
              position: cleared.position,
              at: cleared.at,
              actor: cleared.actor,
            },
          ],
  };
}

/** What this process knows to hold and the log does not say: it is away or full, or a moment behind. */
export function findUnrecorded({ alerts, catalog }: Pick<Api, 'alerts' | 'catalog'>): AlertView[] {
  const known = new Set(readOpen({ catalog }).map(keyOf));
  return alerts
    .status()
    .raised.filter((alert) => !known.has(keyOf(alert)))
    .map((alert) => ({ ...alert, state: 'open', clearedAt: null, clearedBecause: null, events: [] }));
}

/** Everything that holds now: there is at most one of each code and subject. */
export const findOpenAlerts = (api: Pick<Api, 'alerts' | 'catalog'>): AlertView[] => [
  ...findUnrecorded(api),
  ...readOpen(api).map(viewAlert),
];

const MAX_OPEN = 10_000;
const readOpen = ({ catalog }: Pick<Api, 'catalog'>): CatalogAlert[] =>
  catalog.alerts({ isOpen: true, before: null, limit: MAX_OPEN });

const keyOf = ({ code, subject }: { code: string; subject: string }): string => `${code} ${subject}`;
