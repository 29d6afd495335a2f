import { startProduct, waitFor } from '@holdfast/testing';
import { freshDirectory, makeDocument } from './measure.ts';
import type { Measured } from './run.ts';

const DOCUMENTS = 100_000;

/** The largest resident memory of each process while 100,000 documents come in one request and are replicated. */
export async function measureMemory(): Promise<Measured[]> {
  const product = await startProduct({ dataDir: freshDirectory() });
  const largest: Record<string, number> = {};
  const sampling = setInterval(() => {
    for (const [name, mebibytes] of Object.entries(product.memory())) {
      largest[name] = Math.max(largest[name] ?? 0, mebibytes);
    }
  }, 250);
  try {
    const started = performance.now();
    const response = await fetch(`${product.url}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(makeLines()),
      duplex: 'half',
    });
    const last = (await response.text()).trimEnd().split('\n').at(-1) ?? '';
    if ((JSON.parse(last) as { published: number }).published !== DOCUMENTS)
      throw new Error(`The batch ended with ${last}`);
    const batchSeconds = Math.round((performance.now() - started) / 1_000);
    await waitFor(
      'the replica',
      async () => {
        const health = (await (await fetch(`${product.url}/v1/health`)).json()) as {
          replications: { queued: number };
        };
        return health.replications.queued === 0;
      },
      600_000,
    );
    return Object.entries(largest).map(([name, mebibytes]) => ({
      name: `memory of the ${name} process`,
      value: mebibytes,
      unit: 'MiB at most',
      aim: '< 250 MB',
      met: mebibytes * 1.048576 < 250,
      detail: `resident, while ${DOCUMENTS} documents of 2 KB came in one batch (${batchSeconds} s) and were replicated`,
    }));
  } finally {
    clearInterval(sampling);
    await product.stop();
  }
}

function* makeLines(): Generator<Buffer> {
  for (let start = 0; start < DOCUMENTS; start += 100) {
    const lines: string[] = [];
    for (let index = start; index < start + 100; index += 1) {
      lines.push(
        JSON.stringify({ put: `lessons/${index % 100}/l${index}.json`, text: makeDocument(index, 2_000) }),
      );
    }
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}
