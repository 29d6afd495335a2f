import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Server } from '@holdfast/testing';
import { freshDirectory } from './measure.ts';

/**
 * Runs rclone, which knows the server as `bench:`.
 * @returns how long it took, in ms; null where it is not installed
 */
export function rclone(server: S3Server, args: readonly string[]): number | null {
  const config = join(freshDirectory(), 'rclone.conf');
  const lines = [
    '[bench]',
    'type = s3',
    'provider = Other',
    `endpoint = ${server.endpoint}`,
    `region = ${server.region}`,
    `access_key_id = ${server.accessKeyId}`,
    `secret_access_key = ${server.secretAccessKey}`,
  ];
  writeFileSync(config, lines.join('\n'), { mode: 0o600 });
  // Its S3 library fails over a file of certificates that it cannot read.
  const env = { ...process.env, AWS_CA_BUNDLE: undefined };
  const started = performance.now();
  try {
    execFileSync('rclone', ['--config', config, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return performance.now() - started;
}
