import { FolderObjectStore, openS3ObjectStore, RetryThrottled } from '@holdfast/cdn';
import type { Clock, ObjectStore } from '@holdfast/domain';
import { dataPaths } from '@holdfast/storage';
import type { ProjectorConfig } from './config.ts';

/** For what is asked beside the replications: probes, listings, deletions. */
const SPARE_SOCKETS = 8;

const SETTLING_TIMEOUTS = 2;

/**
 * The bucket that the settings name. It is not asked for anything yet, so it need not be there.
 * @param requireRoom  asked before something is put into a bucket in the data directory; throws DISK_FULL
 */
export async function openBucket(
  config: ProjectorConfig,
  clock: Clock,
  requireRoom: () => void,
): Promise<ObjectStore> {
  const { bucket: address, s3AccessKeyId, s3SecretAccessKey } = config;
  if (address.kind === 'folder') {
    return address.folder === null
      ? new FolderObjectStore({ folder: dataPaths(config.dataDir).bucket, clock, requireRoom })
      : new FolderObjectStore({ folder: address.folder, clock });
  }
  const isGiven = s3AccessKeyId !== null && s3SecretAccessKey !== null;
  const store = await openS3ObjectStore({
    bucket: address.bucket,
    prefix: address.prefix,
    endpoint: config.s3Endpoint,
    region: config.s3Region,
    credentials: isGiven ? { accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey.reveal() } : null,
    forcePathStyle: config.s3ForcePathStyle ?? config.s3Endpoint !== null,
    timeoutMs: config.s3TimeoutMs,
    // A server that answers within the timeout, or not at all, has long done what it was going to do.
    settleMs: SETTLING_TIMEOUTS * config.s3TimeoutMs,
    maxSockets: config.cdnConcurrency + SPARE_SOCKETS,
  });
  return new RetryThrottled(store, { clock });
}
