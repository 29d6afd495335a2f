import { snapshotMode } from '@holdfast/domain';
import { z } from 'zod';
import type { Api } from './api.ts';

export const modeSchema = z.object({
  cdnEnabled: z.boolean(),
  localFallback: z.boolean(),
  pinned: z.boolean(),
  cdnBaseUrl: z.string().nullable().meta({
    description: 'In effect on this node; null: none is known, so readers are sent to the local origin',
  }),
  localBaseUrl: z.string().meta({ description: 'In effect on this node' }),
  fromLog: z
    .object({ cdnBaseUrl: z.string().nullable(), localBaseUrl: z.string().nullable() })
    .meta({ description: 'The base URLs the log names; null: the environment of each node decides' }),
  lastChange: z
    .object({
      at: z.string(),
      actor: z.string(),
      cause: z.enum(['operator', 'probe']),
      reason: z.string(),
      position: z.string(),
    })
    .nullable()
    .meta({ description: 'null: the mode was never changed' }),
  stale: z.boolean().meta({ description: 'This process has not heard from the log for 2 s' }),
});
export type ModeView = z.infer<typeof modeSchema>;

export function viewMode({ modeWatch, urls }: Pick<Api, 'modeWatch' | 'urls'>): ModeView {
  const { mode, lastChange, isStale } = modeWatch;
  const { cdnBaseUrl, localBaseUrl } = snapshotMode(mode, urls());
  return {
    cdnEnabled: mode.cdnEnabled,
    localFallback: mode.localFallback,
    pinned: mode.pinned,
    cdnBaseUrl,
    localBaseUrl,
    fromLog: { cdnBaseUrl: mode.cdnBaseUrl, localBaseUrl: mode.localBaseUrl },
    lastChange:
      lastChange === null
        ? null
        : {
            at: lastChange.metadata.at,
            actor: lastChange.metadata.actor,
            cause: lastChange.data.cause,
            reason: lastChange.data.reason,
            position: lastChange.position,
          },
    stale: isStale,
  };
}
