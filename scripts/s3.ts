// `npm run s3`: a real S3 server for the suites, until Ctrl-C. It prints the variables by which they find it.
import { missingCephPrograms, s3Environment, startCeph } from '@holdfast/testing';

const missing = missingCephPrograms();
if (missing.length > 0) {
  console.error(`Not installed: ${missing.join(', ')}. On Debian: apt-get install radosgw ceph-mon ceph-osd`);
  process.exit(1);
}

const signalled = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
});
console.error('Setting up Ceph; this takes half a minute.');
const server = await startCeph();
for (const [name, value] of Object.entries(s3Environment(server))) console.log(`export ${name}=${value}`);
console.error(`It runs in ${server.folder} until Ctrl-C.`);
// The daemons do not keep Node alive by their output, which goes to files.
await signalled;
await server.stop();
