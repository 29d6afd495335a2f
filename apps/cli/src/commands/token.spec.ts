import { hashToken, parseTokensFile } from '@holdfast/settings';
import { expect, it } from '@jest/globals';
import { runCli } from '../testing/run-cli.ts';

it('makes a token and the line of the file that lets it in, without asking a server', async () => {
  const args = ['token', 'create', '--name', 'cms', '--role', 'publisher'];
  const { exitCode, stdout } = await runCli([...args, '--json'], { HOLDFAST_URL: 'http://127.0.0.1:1' });
  const { token, line } = JSON.parse(stdout) as { token: string; line: string };
  expect([exitCode, token]).toEqual([0, expect.stringMatching(/^hf_[0-9a-f]{72}$/)]);
  expect(parseTokensFile(line)).toEqual({
    entries: [{ name: 'cms', role: 'publisher', sha256: hashToken(token) }],
    problems: [],
  });
  const shown = await runCli(args, {});
  expect(shown.stdout).toMatch(/hf_[0-9a-f]{72}\n.*\n {2}cms publisher sha256:[0-9a-f]{64}\n$/s);
});

it.each([
  ['a name that no token has', '--name', 'Local Hero', '--role', 'viewer'],
  ['the name of who acts without tokens', '--name', 'local', '--role', 'viewer'],
  ['a role there is not', '--name', 'cms', '--role', 'admin'],
  ['no role', '--name', 'cms'],
])('refuses %s', async (_, ...options) => {
  const { exitCode, stdout } = await runCli(['token', 'create', ...options], {});
  expect([exitCode, stdout]).toEqual([2, '']);
});
