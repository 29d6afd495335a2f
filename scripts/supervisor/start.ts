import { isHoldfastError } from '@holdfast/domain';
import { ALL_SETTINGS, readSettings, type Settings } from '@holdfast/settings';
import { showLogLine } from './log-line.ts';
import { type ChildDefinition, supervise, type Supervision, type SupervisorTimings } from './supervise.ts';
import { welcome } from './welcome.ts';

/** One Ctrl-C arrives twice under npm (from the terminal and from npm); a person needs longer for a second one. */
const SAME_KEY_PRESS_MS = 700;

/**
 * Runs until a signal ends it or a child gives up.
 * @param options.command  how a person starts the `holdfast` command here
 * @returns the exit code
 */
export async function start(options: {
  children: readonly ChildDefinition[];
  command: string;
  timings?: SupervisorTimings;
}): Promise<number> {
  const { children, command, timings } = options;
  const isTerminal = process.stdout.isTTY === true;
  const useColours = isTerminal && !process.env.NO_COLOR;
  // Where standard output is a file or a pipe, it has the processes' JSON lines and nothing else.
  const print = (text: string) => (isTerminal ? process.stdout : process.stderr).write(text);
  // A terminal or a pipe that has gone away is no reason to stop publishing.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const settings = readEnvironment(print);
  if (settings === null) return 2;

  const supervision = supervise({
    children,
    env: process.env,
    ...(timings === undefined ? {} : { timings }),
    ...(isTerminal ? { onLine: (name, line) => print(`${showLogLine(line, name, useColours)}\n`) } : {}),
    onReady: (messages) => {
      const url = [...messages.values()].find((message) => message.url !== undefined)?.url ?? '';
      print(welcome({ url, dataDir: settings.dataDir, defaultUrl: settings.url, command }, useColours));
    },
    say: (sentence) => print(`holdfast: ${sentence}\n`),
  });
  stopOnSignals(supervision, print);
  return supervision.ended;
}

function readEnvironment(print: (text: string) => void): Readonly<Settings> | null {
  try {
    return readSettings(process.env, ALL_SETTINGS);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    print(`${error.code}: ${error.message}\n`);
    return null;
  }
}

function stopOnSignals(supervision: Supervision, print: (text: string) => void): void {
  let firstAt: number | null = null;
  const onSignal = () => {
    if (firstAt === null) {
      firstAt = performance.now();
      print('\nholdfast: stopping; press Ctrl-C again to stop at once.\n');
      supervision.stop();
    } else if (performance.now() - firstAt > SAME_KEY_PRESS_MS) {
      supervision.kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}
