import { type ContentPath, parsePath } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import type { Api } from './api.ts';

/** Routes over documents end in `/*`: a path has slashes. */
export type PathRequest = { Params: { '*': string } };

/** @throws PATH_INVALID */
export const pathOf = ({ params }: FastifyRequest<PathRequest>, { settings }: Api): ContentPath =>
  parsePath(params['*'], settings.pathRules);

/** Of a document to be published. @throws PATH_INVALID, also where the bucket's prefix leaves too little room */
export const publishedPathOf = ({ params }: FastifyRequest<PathRequest>, { settings }: Api): ContentPath =>
  parsePath(params['*'], settings.publishedPathRules);
