import { toHoldfastError } from '@holdfast/domain';
import { isSilent } from '@holdfast/health';
import { findMismatch } from '@holdfast/storage';
import { z } from 'zod';
import type { Api } from './api.ts';
import type { ProjectorVerdict } from './projector-watch.ts';
import { findUntoldAlerts } from './untold-alerts.ts';

export const reasonSchema = z.object({ code: z.string(), detail: z.string() });
export type Reason = z.infer<typeof reasonSchema>;

/** What is public, as `/readyz` is, names nobody who is told of alerts, and no server. */
export type Audience = 'public' | 'internal';

/** How this node is: `/readyz`, `/v1/health`, `/metrics` and `holdfast status` all show this and nothing else. */
export interface NodeCondition {
  /** Why it should get no traffic now; none: it is ready. */
  readonly reasons: Reason[];
  /** What somebody should look at though it serves as it should. */
  readonly warnings: Reason[];
}

type ConditionPorts = Pick<
  Api,
  | 'alerts'
  | 'catalog'
  | 'clock'
  | 'disks'
  | 'mismatch'
  | 'modeWatch'
  | 'projectorWatch'
  | 'reader'
  | 'requireCatalog'
  | 'settings'
  | 'store'
  | 'tokens'
>;

export async function findCondition(api: ConditionPorts, audience: Audience): Promise<NodeCondition> {
  const { verdicts, reasons, warnings } = await judgeProjectors(api);
  const found = await findReasons(api);
  const alerts = findUntoldAlerts(api, verdicts);
  return {
    // What keeps the projectors from being judged may be known already.
    reasons: [...found, ...reasons.filter(({ code }) => !found.some((known) => known.code === code))],
    warnings: [
      ...warnings,
      ...findWarnings(api, verdicts),
      ...findMuteNotifiers(api, audience),
      ...alerts.map(({ code, message }) => ({ code, detail: message })),
    ],
  };
}

async function findReasons(api: ConditionPorts): Promise<Reason[]> {
  const reasons: Reason[] = [];
  try {
    const { mismatch, reader, settings, store } = api;
    const found = mismatch ?? (await findMismatch({ dataDir: settings.dataDir, store, reader }));
    if (found !== null) reasons.push(reasonOf(found));
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  if (api.modeWatch.isStale) {
    reasons.push({
      code: 'MODE_STALE',
      detail: 'The log has not been heard from for 2 s; the last known mode is kept.',
    });
  }
  try {
    api.requireCatalog();
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  return reasons;
}

/**
 * Readers notice what keeps files from this node's disk; what keeps them from the bucket they do not. Nor is one file that
 * cannot be written a reason to send them away from all others.
 */
async function judgeProjectors({
  projectorWatch,
}: ConditionPorts): Promise<NodeCondition & { verdicts: readonly ProjectorVerdict[] }> {
  try {
    const verdicts = await projectorWatch.look();
    const troubles = verdicts.flatMap(({ trouble }) => trouble ?? []);
    const isWarning = (trouble: (typeof troubles)[number]): boolean =>
      trouble.code !== 'PROJECTOR_SILENT' && (trouble.projector !== 'local' || trouble.waits === true);
    return {
      verdicts,
      reasons: once(troubles.filter((trouble) => !isWarning(trouble))),
      warnings: once(troubles.filter(isWarning)),
    };
  } catch (error) {
    return { verdicts: [], reasons: [reasonOf(error)], warnings: [] };
  }
}

function findWarnings(api: ConditionPorts, verdicts: readonly ProjectorVerdict[]): Reason[] {
  const { catalog, clock, disks, settings } = api;
  const nodes = catalog.nodes();
  const others = nodes.filter(({ node }) => node !== settings.node);
  const own = nodes.find(({ node }) => node === settings.node);
  /** While no report can be heard of, nobody is silent. */
  const canHear = verdicts.length > 0;
  const inTrouble = new Set(verdicts.flatMap(({ projector, trouble }) => (trouble ? [projector] : [])));
  const deadLetters = catalog.replicationCounts()['dead-letter'];
  return [
    ...(own?.projectors ?? [])
      .filter(({ name, state }) => state === 'waiting' && !inTrouble.has(name))
      .map(({ name, reason }) => ({
        code: 'PROJECTOR_WAITING',
        detail: `The ${name} projector waits: ${reason ?? 'it gave no reason'}`,
      })),
    ...(deadLetters === 0
      ? []
      : [
          {
            code: 'DEAD_LETTERS',
            detail: `${deadLetters} ${deadLetters === 1 ? 'document was' : 'documents were'} given up for the bucket. "holdfast replications --failed" (GET /v1/replications?status=dead-letter) says why, "holdfast replications retry --all" (POST /v1/replications/retry) asks for another round.`,
          },
        ]),
    ...(api.tokens?.trouble ? [reasonOf(api.tokens.trouble)] : []),
    ...findUnwellDisks(disks),
    ...others
      .filter((report) => canHear && isSilent(report, clock.now()))
      .map(({ node, heardAt }) => ({
        code: 'NODE_SILENT',
        detail: `The node ${node} has been silent since ${heardAt}; if it is gone for good: "holdfast node retire ${node}".`,
      })),
    ...others
      .filter((report) => !isSilent(report, clock.now()))
      .flatMap(({ node, projectors }) =>
        projectors
          .filter(({ state }) => state === 'stopped')
          .map(({ name, reason }) => ({
            code: 'PROJECTOR_STOPPED',
            detail: `The ${name} projector of ${node} has stopped: ${reason ?? 'it gave no reason'}`,
          })),
      ),
  ];
}

/** Nobody would hear of an alert this way now. */
function findMuteNotifiers({ alerts, catalog, settings }: ConditionPorts, audience: Audience): Reason[] {
  const own = { of: `the API of ${settings.node}`, notifiers: alerts.status().channels };
  const reported = catalog
    .nodes()
    .map(({ node, notifiers = [] }) => ({ of: `the projectors of ${node}`, notifiers }));
  return [own, ...reported].flatMap(({ of, notifiers }) =>
    notifiers.flatMap(({ name, waiting, failingSince, error }) => {
      if (error === null) return [];
      const { code, message } = error;
      const wait = (channel: string): string =>
        `${waiting} notices of alerts wait at ${of} (${channel}) since ${failingSince}`;
      return audience === 'internal'
        ? [{ code, detail: `${wait(name)}: ${message}` }]
        : [{ code, detail: `${wait(kindOf(name))}; GET /v1/health says why.` }];
    }),
  );
}

/** The name of a channel of e-mail has the address in it. */
const kindOf = (channel: string): string => (channel.startsWith('email ') ? 'e-mail' : channel);

function findUnwellDisks(disks: ConditionPorts['disks']): Reason[] {
  return [
    ...disks.failures().map(reasonOf),
    ...disks
      .states()
      .filter(({ isBelow, reserveInUse }) => isBelow || reserveInUse)
      .map(({ name, freeBytes, minFreeBytes }) => ({
        code: 'DISK_FULL',
        detail: `The ${name} disk has ${mebibytes(freeBytes)} MiB free and needs ${mebibytes(minFreeBytes)} MiB: publishing is refused until there is room; deletes still work.`,
      })),
  ];
}

/** A silent process is one reason, however many projectors it has. */
const once = (troubles: readonly Reason[]): Reason[] => [
  ...new Map(troubles.map(({ code, detail }) => [detail, { code, detail }])).values(),
];

const reasonOf = (error: unknown): Reason => {
  const { code, message } = toHoldfastError(error);
  return { code, detail: message };
};

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
