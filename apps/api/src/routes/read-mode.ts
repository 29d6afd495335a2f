import type { Api, ApiServer } from '../api.ts';
import { modeSchema, viewMode } from '../mode-view.ts';
import { problemResponse } from '../problems.ts';

export function readMode(app: ApiServer, api: Api): void {
  app.get(
    '/v1/mode',
    {
      schema: {
        tags: ['urls and mode'],
        summary: 'Where readers are sent, since when and why',
        response: { 200: modeSchema, default: problemResponse },
      },
    },
    () => viewMode(api),
  );
}
