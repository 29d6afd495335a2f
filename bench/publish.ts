import { startProduct } from '@holdfast/testing';
import { freshDirectory, makeDocument, percentiles } from './measure.ts';
import type { Measured } from './run.ts';

const A_SECOND = 50;
const SECONDS = 20;

/** SC-001: latency of a publish until the file is durable on disk, at a steady rate. */
export async function measurePublish(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  try {
    await publishFor(product.url, 3, 'warm');
    const { p50, p99, max } = percentiles(await publishFor(product.url, SECONDS, 'units'));
    return [
      {
        name: 'publish, ?wait=local',
        value: p99,
        unit: 'ms p99',
        aim: '< 20 ms',
        met: p99 < 20,
        detail: `${A_SECOND}/s for ${SECONDS} s, 9 KB, fsync on; p50 ${p50} ms, max ${max} ms; replication running`,
      },
    ];
  } finally {
    await product.stop();
  }
}

/** At the steady rate. @returns the latencies in ms */
export async function publishFor(url: string, seconds: number, directory: string): Promise<number[]> {
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const started = performance.now();
  for (let index = 0; index < seconds * A_SECOND; index += 1) {
    const dueMs = started + index * (1_000 / A_SECOND) - performance.now();
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    const sentAt = performance.now();
    const body = makeDocument(index, 9_000);
    pending.push(
      fetch(`${url}/v1/content/${directory}/u${index}.json?wait=local`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body,
      }).then(async (response) => {
        await response.arrayBuffer();
        if (response.status !== 201) throw new Error(`A publish was answered ${response.status}.`);
        latencies.push(performance.now() - sentAt);
      }),
    );
  }
  await Promise.all(pending);
  return latencies;
}
