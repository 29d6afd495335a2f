import { type HoldfastError, isHoldfastError, type ModeSnapshot, parsePath } from '@holdfast/domain';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { type PathRequest } from '../content-path.ts';
import { locate, locatedSchema, requirePublished } from '../document-view.ts';
import { problemResponse } from '../problems.ts';

const MAX_PATHS = 10_000;

export const urlAnswerSchema = z.object({
  path: z.string(),
  ...locatedSchema,
  version: z.int(),
  sha256: z.string(),
});
type UrlAnswer = z.infer<typeof urlAnswerSchema>;

const unresolvedSchema = z.object({ path: z.string(), code: z.string(), detail: z.string() });

export const urlsAnswerSchema = z.object({
  urls: z
    .array(z.union([urlAnswerSchema, unresolvedSchema]))
    .meta({ description: 'In the order of the paths; one that does not resolve says why' }),
});

const urlsRequestSchema = z.strictObject({
  paths: z.array(z.string()).min(1).max(MAX_PATHS),
  mode: z
    .strictObject({ cdnEnabled: z.boolean().optional(), localFallback: z.boolean().optional() })
    .optional()
    .meta({ description: 'As if the mode were so; what is not named is as it is' }),
});

export function resolveUrl(app: ApiServer, api: Api): void {
  app.get<PathRequest>(
    '/v1/url/*',
    {
      schema: {
        tags: ['urls and mode'],
        summary: 'Where readers find a document now',
        response: { 200: urlAnswerSchema, default: problemResponse },
      },
    },
    (request) => {
      api.requireCatalog();
      return resolve(api, request.mode, request.params['*']);
    },
  );
}

export function resolveUrls(app: ApiServer, api: Api): void {
  app.post(
    '/v1/urls',
    {
      bodyLimit: 16 * 1024 * 1024,
      schema: {
        tags: ['urls and mode'],
        summary: 'Where readers find many documents, all by one view of the mode',
        body: urlsRequestSchema,
        response: { 200: urlsAnswerSchema, default: problemResponse },
      },
    },
    (request) => {
      api.requireCatalog();
      const { paths, mode: asIf = {} } = request.body;
      const { cdnEnabled = request.mode.cdnEnabled, localFallback = request.mode.localFallback } = asIf;
      const mode = { ...request.mode, cdnEnabled, localFallback };
      return { urls: paths.map((path) => resolveOrExplain(api, mode, path)) };
    },
  );
}

function resolve(api: Api, mode: ModeSnapshot, text: string): UrlAnswer {
  const path = parsePath(text, api.settings.pathRules);
  const document = requirePublished(api, path);
  return { path, ...locate(mode, document), version: document.version, sha256: document.sha256 };
}

function resolveOrExplain(
  api: Api,
  mode: ModeSnapshot,
  path: string,
): UrlAnswer | z.infer<typeof unresolvedSchema> {
  try {
    return resolve(api, mode, path);
  } catch (error) {
    if (!isHoldfastError(error) || !isAboutOnePath(error)) throw error;
    return { path, code: error.code, detail: error.message };
  }
}

const isAboutOnePath = ({ kind }: HoldfastError): boolean => kind === 'invalid' || kind === 'missing';
