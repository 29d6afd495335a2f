// Writes docs/configuration.md from the settings the program reads: `node scripts/write-configuration-doc.ts`.
import { writeFileSync } from 'node:fs';
import { describeSettings, type SettingUser } from '@holdfast/settings';
import { format, resolveConfig } from 'prettier';

export const CONFIGURATION_DOC = 'docs/configuration.md';

const INTRODUCTION = `# Configuration

Everything is set by environment variables, and everything is optional. An empty variable counts as not set.
All of them are checked before anything starts: what is wrong is reported at once as \`CONFIG_INVALID\` with exit
code 2, also a variable whose name begins with \`HOLDFAST_\` and is not in this table.

This page is written from the program's own definitions by \`node scripts/write-configuration-doc.ts\`.
`;

const READERS: Readonly<Record<SettingUser, string>> = {
  api: 'API',
  projector: 'projector',
  cli: '`holdfast`',
};

/** The whole page, formatted as the rest of the repository is. */
export async function writeConfigurationDoc(): Promise<string> {
  const rows = describeSettings().map(
    ({ name, default: fallback, description, example, usedBy }) =>
      `| \`${name}\` | ${description} | ${fallback} | \`${example}\` | ${usedBy.map((user) => READERS[user]).join(', ')} |`,
  );
  const table = ['| Variable | What it is | Default | Example | Read by |', '|---|---|---|---|---|', ...rows];
  const options = await resolveConfig(CONFIGURATION_DOC);
  return format(`${INTRODUCTION}\n${table.join('\n')}\n`, { ...options, parser: 'markdown' });
}

if (import.meta.main) writeFileSync(CONFIGURATION_DOC, await writeConfigurationDoc());
