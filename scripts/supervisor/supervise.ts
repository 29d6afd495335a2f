import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildDefinition {
  readonly name: string;
  /** Absolute path of the program. It sends `{ type: 'ready' }` when it serves, and ends when its channel to us closes. */
  readonly module: string;
}

/**
 * A process that moves documents makes much garbage of little life: with V8's own settings, made for speed on
 * large machines, it would keep hundreds of megabytes of it.
 */
const CHILD_FLAGS = [
  '--max-semi-space-size=16',
  '--heap-growing-percent=50',
  '--disable-warning=ExperimentalWarning',
];

/** What a child says when it serves; the API adds where. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly url?: string;
}

export interface SupervisorTimings {
  readonly firstRestartMs: number;
  readonly longestRestartMs: number;
  /** After this long the next crash counts as the first again. */
  readonly healthyAfterMs: number;
  /** What does not end by itself within this is killed. */
  readonly stopWithinMs: number;
}

export const TIMINGS: SupervisorTimings = {
  firstRestartMs: 500,
  longestRestartMs: 30_000,
  healthyAfterMs: 60_000,
  stopWithinMs: 10_000,
};

/** Exit code of a child that can never run like this: starting it again would not help. */
export const GAVE_UP = 2;

export interface Supervision {
  /** Asks every child to end; calling it again changes nothing. */
  stop(): void;
  /** Ends every child at once. */
  kill(): void;
  /** Resolves once no child is left: 0 after `stop`, 2 when a child gave up. */
  readonly ended: Promise<number>;
}

interface Supervised extends ChildDefinition {
  running: ChildProcess | null;
  ready: ReadyMessage | null;
  startedAt: number;
  restarts: number;
  restartTimer: NodeJS.Timeout | null;
}

/**
 * Keeps programs running: one that ends unasked is started again, with longer and longer waits.
 * @param options.onLine   gets each line a child prints; absent: children print to our own output
 * @param options.onReady  called once, when all children serve for the first time
 * @param options.say      gets one sentence for people for each thing that happens
 */
export function supervise(options: {
  children: readonly ChildDefinition[];
  env: NodeJS.ProcessEnv;
  timings?: SupervisorTimings;
  onLine?: (child: string, line: string) => void;
  onReady: (messages: ReadonlyMap<string, ReadyMessage>) => void;
  say: (sentence: string) => void;
}): Supervision {
  const timings = options.timings ?? TIMINGS;
  const { say } = options;
  const children = options.children.map((child): Supervised => ({
    ...child,
    running: null,
    ready: null,
    startedAt: 0,
    restarts: 0,
    restartTimer: null,
  }));
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  let exitCode: number | null = null;
  let hasBeenReady = false;
  let killTimer: NodeJS.Timeout | null = null;

  for (const child of children) start(child);
  return { stop: () => stopAll(0), kill: () => signalAll('SIGKILL'), ended };

  function start(child: Supervised): void {
    const running = fork(child.module, [], {
      stdio: ['ignore', options.onLine ? 'pipe' : 'inherit', 'inherit', 'ipc'],
      env: options.env,
      execArgv: CHILD_FLAGS,
    });
    Object.assign(child, { running, ready: null, startedAt: performance.now() });
    if (running.stdout) {
      createInterface({ input: running.stdout }).on('line', (line) => options.onLine?.(child.name, line));
    }
    running.on('message', (message) => {
      if (isReady(message)) becomeReady(child, message);
    });
    // Not started at all: 'close' does not follow.
    running.on('error', (error) => {
      if (running.pid === undefined) afterEnd(child, `could not be started (${error.message})`, null);
    });
    running.on('close', (code, signal) => {
      afterEnd(child, signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`, code);
    });
  }

  function becomeReady(child: Supervised, message: ReadyMessage): void {
    child.ready = message;
    if (hasBeenReady) return say(`${child.name} runs again.`);
    if (!children.every(({ ready }) => ready !== null)) return;
    hasBeenReady = true;
    options.onReady(new Map(children.flatMap(({ name, ready }) => (ready === null ? [] : [[name, ready]]))));
  }

  function afterEnd(child: Supervised, how: string, code: number | null): void {
    child.running = null;
    child.ready = null;
    if (exitCode !== null) return finishIfAllEnded();
    if (code === GAVE_UP) {
      say(`${child.name} cannot run like this; its message above says why. Stopping.`);
      return stopAll(GAVE_UP);
    }
    if (performance.now() - child.startedAt >= timings.healthyAfterMs) child.restarts = 0;
    const waitMs = Math.min(timings.firstRestartMs * 2 ** child.restarts, timings.longestRestartMs);
    child.restarts += 1;
    say(`${child.name} ${how}; it is started again in ${waitMs / 1000} s.`);
    child.restartTimer = setTimeout(() => start(child), waitMs);
  }

  function stopAll(code: number): void {
    if (exitCode !== null) return;
    exitCode = code;
    for (const { restartTimer } of children) if (restartTimer !== null) clearTimeout(restartTimer);
    signalAll('SIGTERM');
    killTimer = setTimeout(() => {
      const left = children.filter(({ running }) => running !== null).map(({ name }) => name);
      say(
        `${left.join(' and ')} did not end within ${timings.stopWithinMs / 1000} s and will be killed; nothing acknowledged is lost.`,
      );
      signalAll('SIGKILL');
    }, timings.stopWithinMs);
    finishIfAllEnded();
  }

  function signalAll(signal: NodeJS.Signals): void {
    for (const { running } of children) running?.kill(signal);
  }

  function finishIfAllEnded(): void {
    if (exitCode === null || children.some(({ running }) => running !== null)) return;
    if (killTimer !== null) clearTimeout(killTimer);
    end(exitCode);
  }
}

const isReady = (message: unknown): message is ReadyMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
