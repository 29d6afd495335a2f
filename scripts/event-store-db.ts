// `npm run esdb`: the test server that speaks EventStoreDB's protocol, until Ctrl-C. It prints the variables by which the suites find it.
import { startEventStoreDb } from '@holdfast/testing/event-store-db';

const server = await startEventStoreDb();
console.log(`export TEST_EVENT_STORE=esdb TEST_ESDB='${server.url}'`);
console.error('It runs until Ctrl-C, and keeps what it is told in memory.');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
