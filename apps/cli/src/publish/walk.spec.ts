import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { compareUtf8, isHoldfastError } from '@holdfast/domain';
import { countDocuments, type Found, walk } from './walk.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-walk-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '{}');
  }
}

const show = (found: Found): string => {
  switch (found.kind) {
    case 'document':
      return found.path;
    case 'skipped':
      return `${found.path}: ${found.reason}`;
    case 'failed':
      return `${found.path}: ${found.error.code}`;
  }
};
const walkAll = (into = ''): string[] => [...walk(root, into)].map(show);

describe('walk', () => {
  it('goes in the order in which the server lists: by the bytes of the whole path', () => {
    const paths = [
      'a-b.json',
      'a/x.json',
      'a/y/z.json',
      'a.json',
      'a0/x.json',
      'é.json',
      '日.json',
      'ｱ.json',
      '𠀀.json',
    ];
    write(...paths);
    expect(walkAll()).toEqual([...paths].sort(compareUtf8));
    expect(walkAll('into/')).toEqual([...paths].sort(compareUtf8).map((path) => `into/${path}`));
  });

  it('never follows links, and says what it passes by', () => {
    write('a.json', 'README.md', '.git/config.json', '.hidden.json');
    symlinkSync(join(root, 'a.json'), join(root, 'link.json'));
    symlinkSync('/etc', join(root, 'etc'));
    symlinkSync('nowhere', join(root, 'dangling'));
    execFileSync('mkfifo', [join(root, 'pipe.json')]);
    expect(walkAll()).toEqual([
      '.git: name begins with a dot',
      '.hidden.json: name begins with a dot',
      'README.md: not .json',
      'a.json',
      'dangling: symbolic link',
      'etc: symbolic link',
      'link.json: symbolic link',
      'pipe.json: neither file nor directory',
    ]);
    expect(countDocuments(root)).toBe(1);
  });

  it('reports names that are no paths, and goes on', () => {
    write(
      'good.json',
      'a:b.json',
      'e\u0301.json',
      'line\nbreak.json',
      'folder.json/a.json',
      'bad*dir/a.json',
      ' x.json',
    );
    expect(walkAll()).toEqual([
      ' x.json: PATH_INVALID',
      'a:b.json: PATH_INVALID',
      'bad*dir/: PATH_INVALID',
      'e\u0301.json: PATH_INVALID',
      'folder.json/: PATH_INVALID',
      'good.json',
      'line\nbreak.json: PATH_INVALID',
    ]);
  });

  it('reports names that are not UTF-8', () => {
    write('good.json');
    writeFileSync(
      Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff, 0xfe]), Buffer.from('.json')]),
      '{}',
    );
    expect(walkAll()).toEqual(['bad\ufffd\ufffd.json: PATH_INVALID', 'good.json']);
  });

  it('reports a directory it may not read, and goes on', () => {
    write('closed/a.json', 'open/a.json');
    chmodSync(join(root, 'closed'), 0o000);
    const isRoot = process.getuid?.() === 0;
    expect(walkAll()).toEqual([isRoot ? 'closed/a.json' : 'closed/: USAGE_INVALID', 'open/a.json']);
    chmodSync(join(root, 'closed'), 0o755);
  });

  it('throws when the directory itself is not there', () => {
    const error = (() => {
      try {
        return [...walk(join(root, 'nowhere'), '')];
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isHoldfastError(error) && error.code).toBe('USAGE_INVALID');
  });
});
