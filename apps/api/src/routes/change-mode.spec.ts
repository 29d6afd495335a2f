import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MODE_STREAM } from '@holdfast/domain';
import { CDN, eventually, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

describe('the mode', () => {
  it('is enabled, without fallback and not pinned before anybody changed it', async () => {
    expect((await api.get('/v1/mode')).json).toEqual({
      cdnEnabled: true,
      localFallback: false,
      pinned: false,
      cdnBaseUrl: CDN,
      localBaseUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/),
      fromLog: { cdnBaseUrl: null, localBaseUrl: null },
      lastChange: null,
      stale: false,
    });
  });

  it('FR-010 FR-011 changes in the named fields only, and holds once it is answered', async () => {
    const first = await api.send('PUT', '/v1/mode', { localFallback: true, reason: 'CDN is slow' });
    expect(first).toMatchObject({
      status: 200,
      json: { localFallback: true, cdnEnabled: true, unchanged: false },
    });
    const second = await api.send('PUT', '/v1/mode', {
      cdnBaseUrl: 'https://other.example/x/',
      reason: 'moved',
    });
    const { json } = await api.get('/v1/mode');
    expect({ ...json, unchanged: false }).toEqual(second.json);
    expect(json).toMatchObject({
      localFallback: true,
      cdnBaseUrl: 'https://other.example/x',
      fromLog: { cdnBaseUrl: 'https://other.example/x', localBaseUrl: null },
      lastChange: { actor: 'local', cause: 'operator', reason: 'moved' },
    });
    const back = await api.send('PUT', '/v1/mode', { cdnBaseUrl: null, reason: 'back' });
    expect(back.json['cdnBaseUrl']).toBe(CDN);
  });

  it('appends nothing when it is so already', async () => {
    const { json } = await api.send('PUT', '/v1/mode', { cdnEnabled: true, reason: 'to be sure' });
    expect(json['unchanged']).toBe(true);
    expect(await api.events()).toEqual([]);
  });

  it('SC-002 follows a change by another process', async () => {
    await api.append(MODE_STREAM, {
      type: 'ModeChanged',
      data: {
        cdnEnabled: false,
        localFallback: false,
        pinned: true,
        cdnBaseUrl: null,
        localBaseUrl: null,
        cause: 'operator',
        reason: 'from elsewhere',
      },
    });
    const { json } = await eventually(
      () => api.get('/v1/mode'),
      ({ json: mode }) => mode['pinned'] === true,
    );
    expect(json).toMatchObject({ cdnEnabled: false, lastChange: { actor: 'projector:test-node' } });
  });

  it.each([
    { localFallback: true },
    { localFallback: true, reason: ' ' },
    { reason: 'nothing else' },
    { localFallback: 'true', reason: 'x' },
    { localFalback: true, reason: 'x' },
    { cdnBaseUrl: 'ftp://x', reason: 'x' },
    { cdnBaseUrl: 'https://x/?q=1', reason: 'x' },
    { cdnBaseUrl: 'https://user:secret@x/', reason: 'x' },
    { cause: 'probe', pinned: true, reason: 'x' },
    [],
  ])('refuses %j with 400 and appends nothing', async (body) => {
    const answer = await api.send('PUT', '/v1/mode', body);
    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(JSON.stringify(answer.json)).not.toContain('secret');
    expect(await api.events()).toEqual([]);
  });

  it.each(['{"reason":', '{"pinned":true,"pinned":false,"reason":"x"}', ''])(
    'refuses the body %j with JSON_INVALID',
    async (body) => {
      const answer = await api.send('PUT', '/v1/mode', body);
      expect(answer).toMatchObject({ status: 400, json: { code: 'JSON_INVALID' } });
    },
  );
});
