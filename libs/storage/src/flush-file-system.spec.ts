import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { describe, expect, it } from '@jest/globals';

const MODULE = new URL('./flush-file-system.ts', import.meta.url).href;

/** Runs a script in a process of its own, whose shells are all there is below it. @returns what it prints, as JSON */
function inProcess(script: string): unknown {
  const source = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { flushFileSystem } from ${JSON.stringify(MODULE)};
    const parentOf = (pid) => Number(/PPid:\\t(\\d+)/.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))?.[1]);
    const isOurs = (pid) => { try { return parentOf(pid) === process.pid; } catch { return false; } };
    const shells = () => readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map(Number).filter(isOurs);
    const flush = (path) => flushFileSystem(path).then(() => 'flushed', (error) => error.message);
    const here = ${JSON.stringify(tmpdir())};
    const print = (value) => console.log(JSON.stringify(value));
    ${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`It ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('flushFileSystem (Linux only)', () => {
  it('starts one shell for flushes one after another, and one more for each beside it', () => {
    const counts = inProcess(`
      const counts = [];
      for (const together of [1, 1, 3, 2]) {
        await Promise.all(Array.from({ length: together }, () => flushFileSystem(here)));
        counts.push(shells().length);
      }
      print(counts);`);
    expect(counts).toEqual([1, 1, 3, 3]);
  });

  it('says where it failed, and goes on', () => {
    const outcomes = inProcess(`
      const outcomes = [];
      for (const path of [here + '/is/not/there', here + '/a\\nb', here]) outcomes.push(await flush(path));
      print([...outcomes, shells().length]);`);
    expect(outcomes).toEqual([
      `sync -f ${tmpdir()}/is/not/there: failed`,
      `the path ${JSON.stringify(`${tmpdir()}/a\nb`)} has more than one line`,
      'flushed',
      1,
    ]);
  });

  it('fails when its shell is killed, and starts another for the next flush', () => {
    const outcomes = inProcess(`
      const outcomes = [await flush(here)];
      const [shell] = shells();
      process.kill(shell, 'SIGKILL');
      while (shells().includes(shell)) await new Promise((resolve) => setTimeout(resolve, 5));
      outcomes.push(await flush(here), await flush(here));
      print(outcomes);`);
    expect(outcomes).toEqual(['flushed', `sync -f ${tmpdir()}: gone`, 'flushed']);
  });

  it('is not ended by a signal of the terminal', () => {
    const outcomes = inProcess(`
      const outcomes = [await flush(here)];
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(shells()[0], signal);
      print([...outcomes, await flush(here), shells().length]);`);
    expect(outcomes).toEqual(['flushed', 'flushed', 1]);
  });
});
