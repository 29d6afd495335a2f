import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';

const MINUTES = 60_000;

let product: Product;
beforeEach(async () => {
  product = await startProduct();
});
afterEach(() => product.stop());

interface Condition {
  readonly reasons: { code: string }[];
}

it(
  'a projector that hangs is not well anywhere, though its last report was; people hear of it, and when it is over',
  async () => {
    const { projector } = product.children();
    const reasons = async (path: string): Promise<string[]> =>
      (await product.get<Condition>(path)).reasons.map(({ code }) => code);
    const alerts = async (): Promise<string[]> => {
      const open = await product.get<{ alerts: { code: string }[] }>('/v1/alerts?state=open');
      return open.alerts.map(({ code }) => code);
    };
    await waitFor('all to be well', async () => (await product.holdfast('status')).code === 0);
    process.kill(projector!, 'SIGSTOP');
    try {
      await waitFor('readiness to tell', async () => (await reasons('/readyz')).includes('PROJECTOR_SILENT'));
      expect(await reasons('/v1/health')).toContain('PROJECTOR_SILENT');
      const metrics = await (await fetch(`${product.url}/metrics`)).text();
      expect(metrics).toMatch(/^holdfast_ready\{.*\} 0$/m);
      expect(metrics).toMatch(/^holdfast_condition\{.*code="PROJECTOR_SILENT".*\} 1$/m);
      const { code, stdout } = await product.holdfast('status');
      expect([code, stdout]).toEqual([1, expect.stringContaining('PROJECTOR_SILENT')]);
      await waitFor('the alert', async () => (await alerts()).includes('PROJECTOR_STALLED'), 3 * MINUTES);
    } finally {
      process.kill(projector!, 'SIGCONT');
    }
    await waitFor('all to be well again', async () => (await fetch(`${product.url}/readyz`)).ok);
    await waitFor('the alert to be over', async () => !(await alerts()).includes('PROJECTOR_STALLED'));
  },
  6 * MINUTES,
);
