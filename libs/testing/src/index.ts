export { type FaultProxy, type ProxiedRequest, startFaultProxy } from './fault-proxy/fault-proxy.ts';
export {
  type Fault,
  type FaultSource,
  scriptedFaults,
  seededFaults,
  type SeenRequest,
} from './fault-proxy/faults.ts';
export { type CloudflareApi, startCloudflareApi } from './cloudflare/cloudflare-api.ts';
export { type CloudflareFault } from './cloudflare/faults.ts';
export { type CliResult, freePort, type Product, runHoldfast, startProduct, waitFor } from './product.ts';
export { type CephServer, missingCephPrograms, startCeph } from './s3/ceph-server.ts';
export { type S3Server, s3Environment, s3Server } from './s3/s3-server.ts';
export { type MailServer, type ReceivedMail, startMailServer } from './mail/mail-server.ts';
export { eventStoreEnvironment, hasEmbeddedLog, testEventStore, type TestEventStore } from './event-store.ts';
