import type { HoldfastError } from '@holdfast/domain';

/** What a script learns from how the command ended. */
export const EXIT = {
  done: 0,
  /** It was looked, or tried, and something is not well: dead letters, refused documents, nothing there. */
  foundSomething: 1,
  wrongUse: 2,
  unreachable: 3,
  /** As shells have it for Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code for a failure, whoever reports it: this command or the server. */
export function exitCodeOf(error: HoldfastError): ExitCode {
  if (error.code === 'CONFIG_INVALID') return EXIT.wrongUse;
  switch (error.kind) {
    case 'invalid':
    case 'denied':
      return EXIT.wrongUse;
    case 'transient':
      return EXIT.unreachable;
    case 'rejected':
    case 'precondition':
    case 'conflict':
    case 'missing':
    case 'exhausted':
    case 'poison':
    case 'fatal':
      return EXIT.foundSomething;
  }
}
