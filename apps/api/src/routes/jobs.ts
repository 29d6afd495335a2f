import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { jobSchema, viewJob } from '../job-view.ts';
import { problemResponse } from '../problems.ts';
import { limitQuery } from '../query.ts';
import { requireJob } from '../request-job.ts';

export const jobListSchema = z.object({ jobs: z.array(jobSchema).meta({ description: 'Newest first' }) });

export function readJob(app: ApiServer, api: Api): void {
  app.get(
    '/v1/jobs/:id',
    {
      schema: {
        tags: ['operation'],
        summary: 'The progress and outcome of a job',
        params: z.object({ id: z.string() }),
        response: { 200: jobSchema, default: problemResponse },
      },
    },
    (request) => {
      api.requireCatalog();
      return requireJob(api, request.params.id);
    },
  );
}

export function listJobs(app: ApiServer, api: Api): void {
  app.get(
    '/v1/jobs',
    {
      schema: {
        tags: ['operation'],
        summary: 'The latest jobs',
        querystring: z.strictObject({ limit: limitQuery(50, 500) }),
        response: { 200: jobListSchema, default: problemResponse },
      },
    },
    (request) => {
      api.requireCatalog();
      return { jobs: api.catalog.jobs({ limit: request.query.limit }).map(viewJob) };
    },
  );
}
