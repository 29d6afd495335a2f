import { join } from 'node:path';
import { ModeWatch, systemClock } from '@holdfast/domain';
import { openSqliteEventStore } from '@holdfast/event-store';
import { startProduct } from '@holdfast/testing';
import { freshDirectory, percentiles } from './measure.ts';
import type { Measured } from './run.ts';

const CHANGES = 300;

/** SC-002: from sending a mode change until another process (this one) resolves by it. */
export async function measureMode(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  const store = await openSqliteEventStore({
    file: join(product.dataDir, 'events.db'),
    bellFile: join(product.dataDir, 'events.bell'),
    clock: systemClock,
    createIfMissing: false,
  });
  const watch = new ModeWatch({ store, clock: systemClock });
  try {
    await watch.start(() => undefined);
    const latencies: number[] = [];
    for (let index = 0; index < CHANGES; index += 1) {
      const localFallback = index % 2 === 0;
      const seen = new Promise<void>((resolve) => {
        const end = watch.onChange(() => {
          end();
          resolve();
        });
      });
      const sentAt = performance.now();
      const answered = fetch(`${product.url}/v1/mode`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ localFallback, reason: 'bench' }),
      });
      await seen;
      latencies.push(performance.now() - sentAt);
      const response = await answered;
      if (!response.ok) throw new Error(`A mode change was answered ${response.status}.`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { p50, p99, max } = percentiles(latencies);
    return [
      {
        name: 'mode change in another process',
        value: p99,
        unit: 'ms p99',
        aim: '< 50 ms',
        met: p99 < 50,
        detail: `${CHANGES} changes, from sending the request; p50 ${p50} ms, max ${max} ms`,
      },
    ];
  } finally {
    await watch.close();
    await store.close();
    await product.stop();
  }
}
