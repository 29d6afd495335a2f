export { RetryThrottled } from './decorators/retry-throttled.ts';
export { FolderObjectStore } from './folder/folder-object-store.ts';
export {
  CLOUDFLARE_API_URL,
  CloudflarePurger,
  type CloudflarePurgerOptions,
} from './purge/cloudflare-purger.ts';
export { openS3ObjectStore } from './s3/open-s3-object-store.ts';
export { type S3ObjectStoreOptions } from './s3/s3-object-store.ts';
