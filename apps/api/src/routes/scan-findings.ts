import { DRIFT_SIDES, type Finding, findingSchema } from '@holdfast/domain';
import { allowedOrphans } from '@holdfast/settings';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, limitQuery } from '../query.ts';
import {
  FindingsByDirectory,
  FOUND_OUTCOMES,
  isMeant,
  knownFindings,
  readFindings,
} from '../scan-findings.ts';
import { requireScan } from './drift.ts';

const prefixQuery = z.string().max(1024).default('');
const filterQueries = {
  side: z.enum(DRIFT_SIDES).optional(),
  outcome: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(FOUND_OUTCOMES)))
    .optional()
    .meta({ description: `One of ${FOUND_OUTCOMES.join(', ')}; several with commas between them` }),
};

const isCompleteSchema = z.boolean().meta({
  description:
    'Whether all findings are looked through; false: there are more than the log keeps, and the node that made the scan is another or has removed its file',
});

export const findingsPageSchema = z.object({
  findings: z.array(findingSchema).meta({ description: 'In the order in which they were found' }),
  isComplete: isCompleteSchema,
  next: z.string().nullable(),
});

const foundSchema = z.record(z.enum(FOUND_OUTCOMES), z.int());
const bySideSchema = z.object({ local: foundSchema, cdn: foundSchema });

export const scanSummarySchema = z.object({
  prefix: z.string(),
  directories: z.array(bySideSchema.extend({ directory: z.string(), count: z.int() })).meta({
    description:
      'One level below the directory of the prefix, which stands for what lies directly in it; those with the most findings first',
  }),
  others: bySideSchema.meta({ description: 'Of all directories that are not listed, together' }),
  total: bySideSchema.meta({ description: 'Of all that fits' }),
  isComplete: isCompleteSchema,
  allowedOrphans: z.int().meta({
    description:
      'So many orphans a repair touches on each side now (HOLDFAST_MAX_REPAIRS); for more it has to be told how many',
  }),
});

/** Lines one page looks through for few that fit; the rest is the next page's. */
const LOOKED_AT = 50_000;

export function listFindings(app: ApiServer, api: Api): void {
  app.get(
    '/v1/drift/scans/:id/findings',
    {
      schema: {
        tags: ['drift'],
        summary: 'What a scan found, in pages',
        description:
          'The same on every node, but of a scan that found more than 4 MiB of it (above ten thousand): all of that is known to the node that made it, for 30 days; elsewhere its beginning. A page may have fewer than the limit, or none, and still a next one.',
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          ...filterQueries,
          prefix: prefixQuery.meta({ description: 'Of the path: `plans/p1/`' }),
          cursor: cursorQuery.pipe(z.string().regex(/^\d{1,15}$/, 'is of another list')).optional(),
          limit: limitQuery(100, 1000),
        }),
        response: { 200: findingsPageSchema, default: problemResponse },
      },
    },
    async (request) => {
      api.requireCatalog();
      const { cursor, limit, ...filter } = request.query;
      const scan = requireScan(api, request.params.id);
      const known = await knownFindings({ dataDir: api.settings.dataDir, store: api.store }, scan);
      const { isComplete } = known;
      const fits = isMeant(filter);
      const findings: Finding[] = [];
      let lookedAt = 0;
      let end = 0;
      for await (const { finding, end: after } of readFindings(known, Number(cursor ?? 0))) {
        if (findings.length === limit || lookedAt === LOOKED_AT || request.signal.aborted) {
          return { findings, isComplete, next: encodeCursor(String(end)) };
        }
        lookedAt += 1;
        end = after;
        if (fits(finding)) findings.push(finding);
      }
      return { findings, isComplete, next: null };
    },
  );
}

export function summariseScan(app: ApiServer, api: Api): void {
  app.get(
    '/v1/drift/scans/:id/summary',
    {
      schema: {
        tags: ['drift'],
        summary: 'What a scan found, counted by directory, side and outcome',
        params: z.object({ id: z.string() }),
        querystring: z.strictObject({
          ...filterQueries,
          prefix: prefixQuery.meta({
            description: 'Of the path: `plans/p1/`; the level below the last `/` of it is counted',
          }),
          limit: limitQuery(100, 1000),
        }),
        response: { 200: scanSummarySchema, default: problemResponse },
      },
    },
    async (request) => {
      api.requireCatalog();
      const { limit, ...filter } = request.query;
      const { prefix } = filter;
      const scan = requireScan(api, request.params.id);
      const known = await knownFindings({ dataDir: api.settings.dataDir, store: api.store }, scan);
      const fits = isMeant(filter);
      const counts = new FindingsByDirectory(prefix.slice(0, prefix.lastIndexOf('/') + 1));
      for await (const { finding } of readFindings(known, 0)) {
        if (fits(finding)) counts.add(finding);
        if (request.signal.aborted) break;
      }
      const directories = counts.largest(limit);
      const { published } = api.catalog.documentCounts();
      return {
        prefix,
        directories,
        others: counts.others,
        total: counts.total,
        isComplete: known.isComplete,
        allowedOrphans: allowedOrphans(api.settings.maxRepairs, published),
      };
    },
  );
}
