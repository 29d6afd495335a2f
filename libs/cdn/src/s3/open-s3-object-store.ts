import type { S3ObjectStore, S3ObjectStoreOptions } from './s3-object-store.ts';

/** Loads the S3 client, of some megabytes, only where there is such a bucket. Sends nothing yet. */
export async function openS3ObjectStore(options: S3ObjectStoreOptions): Promise<S3ObjectStore> {
  const { S3ObjectStore } = await import('./s3-object-store.ts');
  return new S3ObjectStore(options);
}
