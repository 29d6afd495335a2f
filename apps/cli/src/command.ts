import type { Command } from 'commander';
import type { ApiClient } from './api/api-client.ts';
import type { CliConfig } from './config.ts';
import type { ExitCode } from './exit-code.ts';
import type { Output } from './output/output.ts';

/** What every command works with. */
export interface Context {
  readonly client: ApiClient;
  readonly output: Output;
  readonly product: CliConfig['product'];
  /** Aborts when a person presses Ctrl-C. */
  readonly signal: AbortSignal;
}

export type Action<Options> = (
  context: Context,
  operands: readonly string[],
  options: Options,
) => Promise<ExitCode> | ExitCode;

/** Gives a command its action; whoever assembles the program knows how to run one. */
export type Attach = <Options>(command: Command, action: Action<Options>) => void;

/** Adds one command, and what belongs to it, to the program. */
export type AddCommand = (program: Command, attach: Attach) => void;
