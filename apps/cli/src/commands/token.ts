import { createToken, formatTokenLine, hashToken, type Role, ROLES, tokenName } from '@holdfast/settings';
import { HoldfastError } from '@holdfast/domain';
import { Option } from 'commander';
import type { AddCommand } from '../command.ts';
import { EXIT } from '../exit-code.ts';

/** Asks no server: the file that knows the tokens is the operator's. */
export const addToken: AddCommand = (program, attach) => {
  const token = program.command('token').description('who may use the API (HOLDFAST_TOKENS_FILE)');
  const create = token
    .command('create')
    .description('make a token, and the line for the tokens file; the token is shown this once')
    .requiredOption('--name <name>', 'the actor in the audit, such as cms')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory());
  attach<{ name: string; role: Role }>(create, ({ output }, _operands, { name, role }) => {
    const parsed = tokenName.safeParse(name);
    if (!parsed.success) {
      throw new HoldfastError('USAGE_INVALID', `The token ${parsed.error.issues[0]?.message}.`);
    }
    const secret = createToken();
    const line = formatTokenLine({ name, role, sha256: hashToken(secret) });
    output.json({ token: secret, line });
    output.line('Token, shown this once (HOLDFAST_TOKEN):');
    output.line(`  ${secret}`);
    output.line('Line to add to the tokens file of every node:');
    output.line(`  ${line}`);
    return EXIT.done;
  });
};
