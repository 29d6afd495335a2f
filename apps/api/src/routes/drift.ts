import type { CatalogScan } from '@holdfast/catalog';
import {
  countDrift,
  driftCountsSchema,
  driftRootsSchema,
  findingSchema,
  HoldfastError,
  REPAIRS,
  SCAN_KINDS,
  SCAN_SIDES,
  type ScanParameters,
} from '@holdfast/domain';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { jobSchema } from '../job-view.ts';
import { problemResponse } from '../problems.ts';
import { flagQuery, limitQuery } from '../query.ts';
import { requireNode } from '../require-node.ts';
import { requestJob } from '../request-job.ts';
import { knownFindings } from '../scan-findings.ts';

const NDJSON = 'application/x-ndjson';
/** What `true` and `false` mean. */
const asRepair = (repair: boolean | ScanParameters['repair']): ScanParameters['repair'] => {
  if (typeof repair !== 'boolean') return repair;
  return repair ? 'all' : 'none';
};

const requestSchema = z.strictObject({
  kind: z.enum(SCAN_KINDS).default('full').meta({
    description:
      'quick: a random sample of 100 documents, bytes hashed on both sides; full: everything; deep: the bytes of the bucket too',
  }),
  repair: z
    .union([z.boolean(), z.enum(REPAIRS)])
    .default(false)
    .meta({
      description:
        'none (false): look only; restore: what is missing or different; all (true): orphans too, below HOLDFAST_MAX_REPAIRS',
    }),
  confirm: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'So many orphans may go on each side, though HOLDFAST_MAX_REPAIRS allows fewer' }),
  node: z.string().max(200).optional().meta({
    description:
      'Whose files are compared; absent: those of the node that answers. One that is away does it when it is back',
  }),
});

export const scanSchema = z.object({
  id: z.string(),
  jobId: z.string(),
  node: z.string(),
  kind: z.enum(SCAN_KINDS),
  repair: z.enum(REPAIRS),
  state: z.enum(['running', 'completed', 'aborted']),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** These are null until it is completed. */
  sides: z.enum(SCAN_SIDES).nullable().meta({
    description:
      'local: the bucket was not in its scope, as another node compares it; counts.cdn says nothing then',
  }),
  isClean: z.boolean().nullable().meta({ description: 'Nothing differs; foreign objects do not count' }),
  counts: driftCountsSchema.nullable(),
  roots: driftRootsSchema
    .nullable()
    .meta({ description: 'See docs/roots.md; null each where not all is known' }),
  unsettled: z.int().nullable().meta({ description: 'Paths that the roots leave out' }),
  findingCount: z.int().nullable(),
  findings: z.array(findingSchema).meta({ description: 'The first 100' }),
  durationMs: z.number().nullable(),
  position: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const openDriftSchema = findingSchema.extend({
  node: z.string(),
  scanId: z.string(),
  detectedAt: z.string(),
});

export const driftAnswerSchema = z.object({
  scans: z.array(scanSchema).meta({ description: 'The latest, newest first' }),
  openCount: z.int().meta({ description: 'Differences that were recorded and have not been mended' }),
  open: z.array(openDriftSchema).meta({ description: 'The first 100 of them' }),
});

const OPEN_SHOWN = 100;

export function drift(app: ApiServer, api: Api): void {
  app.get(
    '/v1/drift',
    {
      schema: {
        tags: ['drift'],
        summary: 'The latest scans, and what differs between log, local files and bucket',
        querystring: z.strictObject({
          limit: limitQuery(10, 100),
          findings: flagQuery
            .default(true)
            .meta({ description: 'false: without the findings of each scan, which may be many' }),
        }),
        response: { 200: driftAnswerSchema, default: problemResponse },
      },
    },
    (request) => {
      api.requireCatalog();
      const { catalog } = api;
      const { limit, findings } = request.query;
      const scans = catalog.scans({ limit }).map(viewScan);
      return {
        scans: findings ? scans : scans.map((scan) => ({ ...scan, findings: [] })),
        openCount: catalog.openDriftCount(),
        open: catalog.openDrift({ after: null, limit: OPEN_SHOWN }),
      };
    },
  );
}

export function requestScan(app: ApiServer, api: Api): void {
  app.post(
    '/v1/drift/scans',
    {
      schema: {
        tags: ['drift'],
        summary: 'Compare the log with the local files and the bucket, as a job of a node',
        body: requestSchema,
        response: { 202: jobSchema, default: problemResponse },
      },
    },
    async (request, reply) => {
      api.requireWritable();
      const { kind, repair, confirm, node } = request.body;
      if (node !== undefined && node !== api.settings.node) requireNode(api, node);
      const parameters: ScanParameters = {
        kind,
        repair: asRepair(repair),
        confirmedOrphans: confirm ?? null,
        sides: 'both',
      };
      const job = await requestJob(api, request, { kind: 'scan', parameters, node });
      return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);
    },
  );
}

export function readScan(app: ApiServer, api: Api): void {
  app.get(
    '/v1/drift/scans/:id',
    {
      schema: {
        tags: ['drift'],
        summary: 'One scan, by its id or that of its job',
        description: `With \`Accept: ${NDJSON}\` all its findings are streamed, one in a line, where this node knows them all.`,
        params: z.object({ id: z.string() }),
        response: {
          200: {
            description: 'The scan, or a stream of its findings',
            content: { 'application/json': { schema: scanSchema }, [NDJSON]: { schema: findingSchema } },
          },
          default: problemResponse,
        },
      },
    },
    async (request, reply) => {
      api.requireCatalog();
      const scan = requireScan(api, request.params.id);
      if (request.headers.accept?.includes(NDJSON) !== true) return viewScan(scan);
      const known = await knownFindings({ dataDir: api.settings.dataDir, store: api.store }, scan);
      if (!known.isComplete)
        throw scanNotFound(request.params.id, 'this node does not know all that it found');
      return reply.type(NDJSON).send(known.read(0) as never);
    },
  );
}

/** @throws SCAN_NOT_FOUND */
export function requireScan({ catalog }: Api, id: string): CatalogScan {
  const scan = catalog.scan(id);
  if (scan === null) throw scanNotFound(id, 'GET /v1/drift lists them');
  return scan;
}

const scanNotFound = (id: string, why: string): HoldfastError =>
  new HoldfastError('SCAN_NOT_FOUND', `There is no scan ${id.slice(0, 100)} to show: ${why}.`, {
    context: { id: id.slice(0, 100) },
  });

function viewScan({ report, ...scan }: CatalogScan): z.infer<typeof scanSchema> {
  const { id, jobId, node, kind, repair, state, startedAt, endedAt, error } = scan;
  return {
    ...{ id, jobId, node, kind, repair, state, startedAt, endedAt, error },
    isClean: report === null ? null : countDrift(report.counts) === 0,
    sides: report === null ? null : (report.sides ?? 'both'),
    counts: report?.counts ?? null,
    roots: report?.roots ?? null,
    unsettled: report?.unsettled ?? null,
    findingCount: report?.findingCount ?? null,
    findings: report?.findings ?? [],
    durationMs: report?.durationMs ?? null,
    position: report?.position ?? null,
  };
}
