export { type CloudflareApi, startCloudflareApi } from './cloudflare/cloudflare-api.ts';
export { type CloudflareFault } from './cloudflare/faults.ts';
export { type CliResult, freePort, type Product, runHoldfast, startProduct, waitFor } from './product.ts';
export { type CephServer, missingCephPrograms, startCeph } from './s3/ceph-server.ts';
export { type S3Server, s3Environment, s3Server } from './s3/s3-server.ts';
