import { HoldfastError } from '@holdfast/domain';
import { type Role, ROLES } from '@holdfast/settings';
import type { FastifyRequest } from 'fastify';
import type { Needed } from './route-roles.ts';
import type { Access, Tokens } from './tokens.ts';

const BEARER = /^Bearer +([\w.~+/-]{1,512}=*)$/i;

/**
 * @returns who asks
 * @throws TOKEN_MISSING, TOKEN_INVALID, ROLE_INSUFFICIENT; none of them shows what was sent
 */
export function checkAccess({ raw }: FastifyRequest, needed: Role, tokens: Tokens): Access {
  const given = raw.rawHeaders.filter((name, index) => index % 2 === 0 && /^authorization$/i.test(name));
  const header = raw.headers.authorization;
  if (header === undefined) {
    throw new HoldfastError(
      'TOKEN_MISSING',
      `This needs a token of the role ${needed}; send it as "Authorization: Bearer <token>" (HOLDFAST_TOKEN of the holdfast command).`,
      { context: { needed } },
    );
  }
  const token = given.length > 1 ? undefined : BEARER.exec(header)?.[1];
  const access = token === undefined ? null : tokens.find(token);
  if (access === null) {
    throw new HoldfastError(
      'TOKEN_INVALID',
      token === undefined
        ? 'The request has no single "Authorization: Bearer <token>".'
        : 'The token is not one of this server: mistyped, revoked, or of another installation.',
    );
  }
  if (!includes(access.role, needed)) {
    throw new HoldfastError(
      'ROLE_INSUFFICIENT',
      `This needs the role ${needed}; the token ${access.name} has the role ${access.role}.`,
      { context: { needed, role: access.role, name: access.name } },
    );
  }
  return access;
}

export const includes = (role: Role, needed: Needed): boolean =>
  needed === 'public' || ROLES.indexOf(role) >= ROLES.indexOf(needed);
