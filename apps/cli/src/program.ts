import { Command, CommanderError, Option } from 'commander';
import { printable, toHoldfastError } from '@holdfast/domain';
import { ApiClient } from './api/api-client.ts';
import type { Action, AddCommand } from './command.ts';
import { addAlerts } from './commands/alerts.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup } from './commands/backup.ts';
import { addDelete } from './commands/delete.ts';
import { addLog } from './commands/log.ts';
import { addMode } from './commands/mode.ts';
import { addNode } from './commands/node.ts';
import { addPublish } from './commands/publish.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addReplay } from './commands/replay.ts';
import { addReplications } from './commands/replications.ts';
import { addStatus } from './commands/status.ts';
import { addToken } from './commands/token.ts';
import { addUrl } from './commands/url.ts';
import { addVerify } from './commands/verify.ts';
import { readConfig } from './config.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { Output, type TerminalStream } from './output/output.ts';

const COMMANDS: readonly AddCommand[] = [
  addPublish,
  addDelete,
  addUrl,
  addMode,
  addStatus,
  addReplications,
  addVerify,
  addQuarantine,
  addReplay,
  addNode,
  addAlerts,
  addAudit,
  addBackup,
  addLog,
  addToken,
];

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** Aborts when a person wants the command to stop. */
  readonly signal: AbortSignal;
}

/**
 * Runs one command.
 * @param args  what follows `holdfast` on the command line
 * @returns     the exit code; whatever went wrong has been said
 */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = buildProgram(surroundings, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportFailure(error, surroundings);
  }
}

function buildProgram(surroundings: Surroundings, finish: (code: number) => void): Command {
  const { stdout, stderr } = surroundings;
  const program = new Command('holdfast')
    .description('Publish JSON documents with Holdfast, and see how they are.')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('"holdfast help" and "holdfast <command> --help" say what there is.')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) =>
        write(
          text
            .replace(/^error: /, 'USAGE_INVALID: ')
            .split('\n')
            .map(printable)
            .join('\n'),
        ),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', HELP);
  const attach = <Options>(command: Command, action: Action<Options>): void => {
    command
      .addOption(new Option('--json', 'print JSON for programs instead of text for people'))
      .action(async () => finish(await runAction(command, action, surroundings)));
  };
  for (const add of COMMANDS) add(program, attach);
  return program;
}

async function runAction<Options>(
  command: Command,
  action: Action<Options>,
  surroundings: Surroundings,
): Promise<number> {
  const { stdout, stderr, signal } = surroundings;
  const { url, headers, noColour, product } = readConfig(surroundings.env);
  const isJson = command.opts<{ json?: true }>().json === true;
  const output = new Output({ stdout, stderr, isJson, noColour });
  const client = new ApiClient({ url, headers, signal });
  return action({ client, output, product, signal }, command.args, command.opts() as Options);
}

function reportFailure(thrown: unknown, { stderr, signal }: Surroundings): number {
  // Commander has said it already; "help" and "--version" come this way with code 0.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
  if (signal.aborted) {
    stderr.write('Stopped. What the server acknowledged is kept.\n');
    return EXIT.interrupted;
  }
  const error = toHoldfastError(thrown);
  stderr.write(`${error.code}: ${error.message.split('\n').map(printable).join('\n')}\n`);
  return exitCodeOf(error);
}

const HELP = `
Environment:
  HOLDFAST_URL    where the API is (default http://127.0.0.1:8080)
  HOLDFAST_TOKEN  sent as a bearer token, if set
  NO_COLOR        no colours, if set

Exit codes:
  0  done
  1  found something: drift, dead letters, alerts, documents that were refused, nothing there
  2  wrong use
  3  the server could not be reached, or cannot answer now
`;
