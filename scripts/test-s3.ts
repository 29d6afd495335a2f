import { type CephServer, missingCephPrograms, s3Environment, s3Server, startCeph } from '@holdfast/testing';

/** The S3 server of a test run. */
export interface TestS3 {
  /** What to add to the environment of the suites. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * Starts Ceph for the suites, unless the environment names a server or Ceph is not installed; without any server the
 * suites say themselves that they were skipped.
 */
export async function startTestS3(): Promise<TestS3 | null> {
  if (s3Server() !== null || missingCephPrograms().length > 0) return null;
  const server = await startCeph();
  stopOnSignals(server);
  // Nx reuses results of another run by this name; the endpoint is another each time.
  return { env: { ...s3Environment(server), TEST_S3_NAME: 'ceph' }, stop: () => server.stop() };
}

/** Its processes end with this one in any case; its folder would stay until the next run. */
function stopOnSignals(server: CephServer): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void server.stop().finally(() => process.kill(process.pid, signal));
    });
  }
}
