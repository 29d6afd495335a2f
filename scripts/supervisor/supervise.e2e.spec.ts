import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';

const FIXTURES = fileURLToPath(new URL('fixtures/start-fixtures.ts', import.meta.url));
const running: (() => void)[] = [];

afterEach(() => {
  for (const kill of running.splice(0)) kill();
});

/** The supervisor over fixture children, in a process group of its own. */
function startFixtures(children: string[], env: Record<string, string> = {}) {
  const supervisor = spawn(process.execPath, [FIXTURES, ...children], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  const pid = supervisor.pid ?? 0;
  let output = '';
  const listeners = new Set<() => void>();
  const changed = () => listeners.forEach((listener) => listener());
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      changed();
    });
  }
  const ended = new Promise<number | null>((resolve) => supervisor.on('close', resolve));
  void ended.then(changed);
  running.push(() => {
    for (const each of [pid, ...childPids()]) if (isAlive(each)) process.kill(each, 'SIGKILL');
  });

  function childPids(): number[] {
    return [...output.matchAll(/"msg":"serving","pid":(\d+)/g)].map(([, found]) => Number(found));
  }
  async function waitFor(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(10_000);
    while (!condition()) {
      await new Promise<void>((resolve, reject) => {
        const settle = () => {
          listeners.delete(settle);
          if (deadline.aborted) reject(new Error(`Waited in vain; the output was:\n${output}`));
          else resolve();
        };
        listeners.add(settle);
        deadline.addEventListener('abort', settle);
      });
    }
  }
  return {
    pid,
    childPids,
    ended,
    output: () => output,
    waitForText: (text: string) => waitFor(() => output.includes(text)),
    waitForChildren: (count: number) => waitFor(() => childPids().length >= count),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function waitUntilGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) throw new Error(`Still there: ${pids.filter(isAlive).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the supervisor', () => {
  it('says what to open once every child serves, and ends with all of them on SIGTERM', async () => {
    const started = startFixtures(['well', 'well']);
    await started.waitForText('Ctrl-C');
    expect(started.output()).toContain('http://127.0.0.1:8080/docs');
    expect(started.output()).toContain('npx holdfast publish');
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toBe(0);
    expect(started.childPids()).toHaveLength(2);
    expect(started.childPids().filter(isAlive)).toEqual([]);
  });

  it('starts a child again that was killed, without touching the other', async () => {
    const started = startFixtures(['well', 'well']);
    await started.waitForText('Ctrl-C');
    const [first = 0, second = 0] = started.childPids();
    process.kill(first, 'SIGKILL');
    await started.waitForText('runs again');
    expect(started.output()).toMatch(/well-\d was ended by SIGKILL; it is started again in 0\.05 s/);
    expect(isAlive(second)).toBe(true);
    expect(started.childPids()).toHaveLength(3);
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toBe(0);
  });

  it('waits longer and longer for a child that crashes every time, up to a limit', async () => {
    const started = startFixtures(['crashing', 'well']);
    await started.waitForText('in 0.2 s');
    const waits = [...started.output().matchAll(/again in ([\d.]+) s/g)].map(([, wait]) => wait);
    expect(waits.slice(0, 3)).toEqual(['0.05', '0.1', '0.2']);
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toBe(0);
  });

  it('stops everything with exit code 2 when a child can never run like this', async () => {
    const started = startFixtures(['well', 'giving-up']);
    expect(await started.ended).toBe(2);
    expect(started.output()).toContain('PORT_IN_USE: the port 8080 is taken');
    expect(started.output()).not.toContain('started again');
    await waitUntilGone(started.childPids());
  });

  it('kills a child that does not end in time', async () => {
    const started = startFixtures(['deaf', 'well']);
    await started.waitForText('Ctrl-C');
    process.kill(started.pid, 'SIGTERM');
    expect(await started.ended).toBe(0);
    expect(started.output()).toContain('deaf-1 did not end within 0.3 s');
    expect(started.childPids().filter(isAlive)).toEqual([]);
  });

  it('takes Ctrl-C that reaches the whole process group, twice at once, as one', async () => {
    const started = startFixtures(['well', 'well']);
    await started.waitForText('Ctrl-C');
    process.kill(-started.pid, 'SIGINT');
    process.kill(-started.pid, 'SIGINT');
    expect(await started.ended).toBe(0);
    expect(started.output()).not.toContain('killed');
    expect(started.childPids().filter(isAlive)).toEqual([]);
  });

  it('leaves no child behind when it is killed itself', async () => {
    const started = startFixtures(['well', 'well']);
    await started.waitForText('Ctrl-C');
    process.kill(started.pid, 'SIGKILL');
    await waitUntilGone(started.childPids());
  });

  it('reports every problem of the environment before it starts anything', async () => {
    const started = startFixtures(['well'], { HOLDFAST_PORT: 'http', HOLDFAST_HOST: '0.0.0.0' });
    expect(await started.ended).toBe(2);
    expect(started.output()).toMatch(/^CONFIG_INVALID: The environment has 3 problems/);
    expect(started.childPids()).toEqual([]);
  });
});
