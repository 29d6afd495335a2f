import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { AT } from '@holdfast/domain/testing';
import { startApi, type TestApi } from './testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

it('a way of telling that fails is a warning, in readiness without what only operators may know', async () => {
  const failing = {
    name: 'email to on-call@example.org',
    waiting: 3,
    oldestWaitingAt: AT,
    failingSince: AT,
    error: { code: 'NOTIFIER_REFUSED', message: 'The mail server says no.' },
  };
  const well = { ...failing, name: 'webhook', waiting: 0, failingSince: null, error: null };
  await api.append('node-web-2', {
    type: 'NodeReported',
    data: {
      node: 'web-2',
      version: '1',
      runtime: 'node',
      startedAt: AT,
      intervalSeconds: 5,
      projectors: [],
      disks: [],
      memoryBytes: 1,
      notifiers: [failing, well],
    },
  });
  const warning = {
    code: 'NOTIFIER_REFUSED',
    detail: `3 notices of alerts wait at the projectors of web-2 (email to on-call@example.org) since ${AT}: The mail server says no.`,
  };
  const { json: health } = await api.get('/v1/health');
  expect(health['warnings']).toContainEqual(warning);
  expect(health).toMatchObject({
    status: 'degraded',
    alerts: { unkept: null, notifiers: [{ name: 'log' }] },
  });
  expect((health['nodes'] as { notifiers: unknown }[])[0]?.notifiers).toEqual([failing, well]);
  expect((await api.get('/readyz')).json['warnings']).toContainEqual({
    code: 'NOTIFIER_REFUSED',
    detail: `3 notices of alerts wait at the projectors of web-2 (e-mail) since ${AT}; GET /v1/health says why.`,
  });
});
