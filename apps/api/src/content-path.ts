import { type ContentPath, parsePath } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import type { Api } from './api.ts';

/** Routes over documents end in `/*`: a path has slashes. */
export type PathRequest = { Params: { '*': string } };

/** @throws PATH_INVALID */
export const pathOf = ({ params }: FastifyRequest<PathRequest>, { settings }: Api): ContentPath =>
  parsePath(params['*'], settings.pathRules);
