import { quarantineEntrySchema, type RestoreParameters } from '@holdfast/domain';
import { Quarantine } from '@holdfast/storage';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { jobSchema } from '../job-view.ts';
import { problemResponse } from '../problems.ts';
import { requestJob } from '../request-job.ts';

export const quarantineAnswerSchema = z.object({
  entries: z.array(quarantineEntrySchema).meta({ description: 'The latest first' }),
});

export function listQuarantine(app: ApiServer, api: Api): void {
  app.get(
    '/v1/quarantine',
    {
      schema: {
        tags: ['drift'],
        summary: 'What repairs of this node moved away from its local files',
        response: { 200: quarantineAnswerSchema, default: problemResponse },
      },
    },
    () => ({ entries: new Quarantine(api.settings.dataDir).entries() }),
  );
}

export function restoreQuarantined(app: ApiServer, api: Api): void {
  app.post(
    '/v1/quarantine/restore',
    {
      schema: {
        tags: ['drift'],
        summary: 'Move something back to where it was, as a job of this node',
        body: z.strictObject({ id: z.string().max(100) }),
        response: { 202: jobSchema, default: problemResponse },
      },
    },
    async (request, reply) => {
      api.requireWritable();
      const parameters: RestoreParameters = { id: request.body.id };
      const job = await requestJob(api, request, { kind: 'quarantine-restore', parameters });
      return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);
    },
  );
}
