import { describe, it } from '@jest/globals';
import { missingCephPrograms } from './ceph-server.ts';
import { type S3Server, s3Server } from './s3-server.ts';

/**
 * `describe` of what only a real S3 server shows. Without one it is skipped and its title says why; where
 * TEST_S3 is `required` it fails.
 * @param suite  may use the server in tests and hooks only: without one its fields are empty
 */
export function describeWithS3(title: string, suite: (server: S3Server) => void): void {
  const server = s3Server();
  const nowhere = { endpoint: '', region: '', accessKeyId: '', secretAccessKey: '' };
  describeUnless(server === null ? 'no S3 server: `npm run s3`, or set TEST_S3_ENDPOINT' : null, title, () =>
    suite(server ?? nowhere),
  );
}

/** The same for suites that kill a server, and therefore start one of their own. */
export function describeWithCeph(title: string, suite: () => void): void {
  const missing = missingCephPrograms();
  describeUnless(missing.length > 0 ? `not installed: ${missing.join(', ')}` : null, title, suite);
}

/** @param reason  why the suite cannot run; null: it can */
function describeUnless(reason: string | null, title: string, suite: () => void): void {
  if (reason === null) {
    describe(title, suite);
  } else if (process.env['TEST_S3'] === 'required') {
    describe(title, () => {
      it('has the S3 server it needs', () => {
        throw new Error(`TEST_S3 requires what is not there; ${reason}. See docs/testing.md.`);
      });
    });
  } else {
    describe.skip(`${title} (skipped; ${reason})`, suite);
  }
}
