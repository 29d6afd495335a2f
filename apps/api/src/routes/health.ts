import { REPLICATION_STATUSES } from '@holdfast/catalog';
import { isHoldfastError, PROJECTOR_STATES, SCAN_KINDS } from '@holdfast/domain';
import { isSilent } from '@holdfast/health';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import type { NodeDiskState } from '../disks.ts';
import { readOrNull } from '../local-index.ts';
import { measureContentLag, measureLag } from '../log-lag.ts';
import { findOpenAlerts } from '../open-alerts.ts';
import { problemResponse } from '../problems.ts';
import { findCondition, reasonSchema } from '../readiness.ts';

const lagSchema = z.object({ events: z.int(), isAtLeast: z.boolean() }).nullable().meta({
  description:
    'Events in the log beyond the checkpoint, counted up to 1,000; null: the log cannot be asked now',
});

const diskSchema = z.object({ name: z.string(), freeBytes: z.number(), totalBytes: z.number() });

const notifierSchema = z.object({
  name: z.string(),
  waiting: z.int().meta({ description: 'Notices not told yet' }),
  oldestWaitingAt: z.string().nullable(),
  failingSince: z.string().nullable().meta({ description: 'null: the last attempt succeeded' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const nodeSchema = z.object({
  node: z.string(),
  version: z.string(),
  runtime: z.string(),
  startedAt: z.string(),
  reportedAt: z.string().meta({ description: "By the node's own clock" }),
  heardAt: z.string().meta({ description: 'When this process heard of it, by its own clock' }),
  silent: z.boolean().meta({ description: 'It has missed three reports' }),
  memoryBytes: z.number(),
  projectors: z.array(
    z.object({
      name: z.string(),
      state: z.enum(PROJECTOR_STATES),
      reason: z.string().nullable(),
      checkpoint: z.string().nullable(),
      lag: lagSchema,
      pending: z.int(),
      oldestPendingAt: z.string().nullable(),
    }),
  ),
  disks: z.array(diskSchema),
  notifiers: z.array(notifierSchema).optional(),
});

export const healthAnswerSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  reasons: z.array(reasonSchema).meta({ description: 'Why this node is not ready' }),
  warnings: z.array(reasonSchema).meta({ description: 'What somebody should look at all the same' }),
  node: z.string(),
  at: z.string(),
  api: z.object({ memoryBytes: z.number(), uptimeSeconds: z.number(), runtime: z.string() }),
  log: z
    .object({ id: z.string().nullable(), head: z.string().nullable() })
    .meta({ description: 'null: the log cannot be asked now' }),
  catalog: z.object({ checkpoint: z.string().nullable(), lag: lagSchema, unreadableEvents: z.int() }),
  documents: z.object({ published: z.int(), deleted: z.int() }),
  replications: z.record(z.enum(REPLICATION_STATUSES), z.int()).meta({ description: 'Versions by status' }),
  oldestPendingAt: z
    .string()
    .nullable()
    .meta({ description: 'Since when the oldest version waits for the bucket; null: none does' }),
  local: z
    .object({ generation: z.string().nullable(), checkpoint: z.string().nullable(), lag: lagSchema })
    .meta({ description: 'The live files of this node; no generation: none has been built yet' }),
  disk: diskSchema
    .omit({ name: true })
    .extend({ minFreeBytes: z.number(), publishing: z.boolean().meta({ description: 'false: DISK_FULL' }) })
    .nullable()
    .meta({ description: 'The one that stops publishing first; null: none can be asked' }),
  disks: z
    .array(
      diskSchema.extend({
        holds: z.array(z.string()).meta({ description: 'What lies on it: content, index, log' }),
        freePercent: z.number(),
        minFreeBytes: z.number(),
        low: z.boolean().meta({ description: 'Publishing is refused' }),
        reserveInUse: z
          .boolean()
          .meta({ description: 'No document is written; deletes and records go on while it lasts' }),
      }),
    )
    .meta({ description: 'The disks of the node that answers, but for those that cannot be asked' }),
  alerts: z.object({
    open: z.int(),
    notifiers: z
      .array(notifierSchema)
      .meta({ description: 'How the API tells of alerts; the projectors are in `nodes`' }),
    unkept: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'Why a restart of the API would forget its alerts; null: it would not' }),
  }),
  lastScan: z
    .object({
      id: z.string(),
      node: z.string(),
      kind: z.enum(SCAN_KINDS),
      state: z.enum(['running', 'completed', 'aborted']),
      startedAt: z.string(),
      endedAt: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'null: none was ever made' }),
  nodes: z.array(nodeSchema),
});

export function health(app: ApiServer, api: Api): void {
  app.get(
    '/v1/health',
    {
      schema: {
        tags: ['operation'],
        summary: 'Every node, projector, disk and lag',
        response: { 200: healthAnswerSchema, default: problemResponse },
      },
    },
    async () => {
      const { catalog, clock, reader, settings, store } = api;
      const now = clock.now();
      const checkpoint = readOrNull(() => reader.checkpoint());
      const { reasons, warnings } = await findCondition(api, 'internal');
      const disks = api.disks.states();
      return {
        status: reasons.length + warnings.length === 0 ? ('ok' as const) : ('degraded' as const),
        reasons,
        warnings,
        node: settings.node,
        at: now.toISOString(),
        api: {
          memoryBytes: process.memoryUsage.rss(),
          uptimeSeconds: Math.round(process.uptime()),
          runtime: `node ${process.versions.node}`,
        },
        log: { id: await orNull(store.identity()), head: await orNull(store.head()) },
        catalog: {
          checkpoint: catalog.checkpoint,
          lag: await orNull(measureLag(store, catalog.checkpoint)),
          unreadableEvents: catalog.unreadable(1).count,
        },
        documents: catalog.documentCounts(),
        replications: catalog.replicationCounts(),
        oldestPendingAt: catalog.oldestPendingAt()?.toISOString() ?? null,
        local: {
          generation: readOrNull(() => reader.generation()),
          checkpoint,
          lag: await orNull(measureContentLag(api, checkpoint)),
        },
        disk: viewFullest(disks),
        disks: disks.map(({ isBelow, holds, ...disk }) => ({ ...disk, holds: [...holds], low: isBelow })),
        alerts: viewAlerts(api),
        lastScan: viewLastScan(api),
        nodes: await Promise.all(catalog.nodes().map((node) => viewNode(api, node, now))),
      };
    },
  );
}

/** The log may be away just when somebody looks why; everything else is told all the same. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isHoldfastError(error)) return null;
    throw error;
  }
}

function viewFullest(disks: readonly NodeDiskState[]): z.infer<typeof healthAnswerSchema>['disk'] {
  const left = ({ freeBytes, minFreeBytes }: NodeDiskState): number => freeBytes - minFreeBytes;
  const [fullest] = [...disks].sort((one, other) => left(one) - left(other));
  if (fullest === undefined) return null;
  const { freeBytes, totalBytes, minFreeBytes } = fullest;
  const publishing = disks.every(({ isBelow, reserveInUse }) => !isBelow && !reserveInUse);
  return { freeBytes, totalBytes, minFreeBytes, publishing };
}

async function viewNode(
  api: Api,
  node: ReturnType<Api['catalog']['nodes']>[number],
  now: Date,
): Promise<z.infer<typeof nodeSchema>> {
  const projectors = node.projectors.map(async (projector) => ({
    ...projector,
    lag: await orNull(measureContentLag(api, projector.checkpoint)),
  }));
  return { ...node, silent: isSilent(node, now), projectors: await Promise.all(projectors) };
}

function viewAlerts(api: Pick<Api, 'alerts' | 'catalog'>) {
  const { channels, unkept } = api.alerts.status();
  return { open: findOpenAlerts(api).length, notifiers: [...channels], unkept };
}

function viewLastScan({ catalog }: Api): z.infer<typeof healthAnswerSchema>['lastScan'] {
  const [last] = catalog.scans({ limit: 1 });
  if (last === undefined) return null;
  const { id, node, kind, state, startedAt, endedAt } = last;
  return { id, node, kind, state, startedAt, endedAt };
}
