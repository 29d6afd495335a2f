import { describe, it } from '@jest/globals';
import { findNginx } from './nginx.ts';

export { type Nginx, startNginx } from './nginx.ts';

/**
 * `describe` of what only the real nginx shows. Without one it is skipped and its title says why; where TEST_NGINX is
 * `required` it fails.
 * @param suite  may use the program in tests and hooks only: without one it is empty
 */
export function describeWithNginx(title: string, suite: (program: string) => void): void {
  const program = findNginx();
  if (program !== null) {
    describe(title, () => suite(program));
  } else if (process.env['TEST_NGINX'] === 'required') {
    describe(title, () => {
      it('has the nginx it needs', () => {
        throw new Error('TEST_NGINX requires nginx, and none is installed. See docs/testing.md.');
      });
    });
  } else {
    describe.skip(`${title} (skipped; no nginx: install nginx-light)`, () => suite(''));
  }
}
