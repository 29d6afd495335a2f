import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePath, replicationStream } from '@holdfast/domain';
import { type Answer, eventually, startApi, type TestApi } from './testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

/** Longer than any spec may take: what is answered before was not answered because time ran out. */
const LONG = 'wait=cdn&waitSeconds=300';
const A = parsePath('a.json');
const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'The bucket does not answer.' };

const put = (text: string, query: string): Promise<Answer> =>
  api.inject({
    method: 'PUT',
    url: `/v1/content/${A}?${query}`,
    headers: { 'content-type': 'application/json' },
    payload: text,
  });

/** Publishes, and goes on once that is in the log while the answer is waited for. */
async function putWaiting(text: string): Promise<{ answer: Promise<Answer> }> {
  const before = (await api.events()).length;
  const answer = put(text, LONG);
  await eventually(
    () => api.events(),
    (events) => events.length > before,
  );
  return { answer };
}

const record = (
  type: 'ContentReplicated' | 'ReplicationFailed' | 'ReplicationDeadLettered',
  version = 0,
  action: 'put' | 'delete' = 'put',
) => {
  const about = { path: A, version, action };
  switch (type) {
    case 'ContentReplicated':
      return api.append(replicationStream(A), {
        type,
        data: { ...about, sha256: null, etag: 'e', attempt: 1, durationMs: 1 },
      });
    case 'ReplicationFailed':
      return api.append(replicationStream(A), {
        type,
        data: { ...about, attempt: 1, error, nextRetryAt: '2030-01-01T00:00:00.000Z', durationMs: 1 },
      });
    case 'ReplicationDeadLettered':
      return api.append(replicationStream(A), { type, data: { ...about, attempts: 8, error } });
  }
};

describe('?wait=cdn', () => {
  it('is answered by success as soon as it is recorded, also after failures', async () => {
    const { answer } = await putWaiting('1');
    await record('ReplicationFailed');
    await record('ContentReplicated');
    expect(await answer).toMatchObject({
      status: 201,
      json: {
        version: 0,
        waited: {
          for: 'cdn',
          reached: true,
          outcome: 'arrived',
          supersededBy: null,
          deadLetter: null,
          detail: 'Version 0 of a.json has reached the bucket.',
        },
      },
    });
  });

  it('is answered at once by a dead letter: published and durable, given up for the bucket, and why', async () => {
    const { answer } = await putWaiting('1');
    await record('ReplicationDeadLettered');
    expect(await answer).toMatchObject({
      status: 202,
      json: {
        version: 0,
        origin: 'local',
        waited: {
          for: 'cdn',
          reached: false,
          outcome: 'dead-letter',
          deadLetter: { attempts: 8, ...error },
          detail: expect.stringMatching(
            /^Version 0 of a\.json is published and durable here, but was given up for the bucket after 8 attempts: OBJECT_STORE_UNAVAILABLE: The bucket does not answer\./,
          ),
        },
      },
    });
    expect(await put('1', LONG)).toMatchObject({
      status: 202,
      json: { unchanged: true, waited: { outcome: 'dead-letter' } },
    });
  });

  it('of what is published again after a dead letter waits for the new version', async () => {
    await put('1', '');
    await record('ReplicationDeadLettered');
    const { answer } = await putWaiting('2');
    await record('ContentReplicated', 1);
    expect(await answer).toMatchObject({
      status: 200,
      json: { version: 1, waited: { reached: true, outcome: 'arrived' } },
    });
  });

  it('is answered by a newer version that takes its place', async () => {
    const { answer } = await putWaiting('1');
    await put('2', '');
    expect(await answer).toMatchObject({
      status: 202,
      json: {
        version: 0,
        waited: {
          reached: false,
          outcome: 'superseded',
          supersededBy: 1,
          deadLetter: null,
          detail: expect.stringContaining('version 1 took its place'),
        },
      },
    });
  });

  it('of a deletion is answered by its own outcome', async () => {
    await put('1', '');
    const deletion = api.delete(`a.json?${LONG}`);
    await eventually(
      () => api.events(),
      (events) => events.length === 2,
    );
    await record('ReplicationDeadLettered', 1, 'delete');
    expect(await deletion).toMatchObject({
      status: 202,
      json: {
        version: 1,
        waited: { outcome: 'dead-letter', detail: expect.stringContaining('is deleted and durable here') },
      },
    });
    await record('ContentReplicated', 1, 'delete');
    expect(await api.delete(`a.json?${LONG}`)).toMatchObject({
      status: 200,
      json: { unchanged: true, waited: { reached: true, outcome: 'arrived' } },
    });
  });

  it('is answered with 202 when the time is over, and says whether replication goes on', async () => {
    const short = 'wait=cdn&waitSeconds=0.05';
    const waited = async () => {
      const { status, json } = await put('1', short);
      return { status, ...(json['waited'] as Record<string, unknown>) };
    };
    expect(await waited()).toEqual({
      status: 202,
      for: 'cdn',
      reached: false,
      outcome: 'timed-out',
      supersededBy: null,
      deadLetter: null,
      detail: expect.stringContaining('has not reached the bucket within 0.05 s. It goes on'),
    });
    await api.send('PUT', '/v1/mode', { cdnEnabled: false, reason: 'drill' });
    expect(await waited()).toMatchObject({ detail: expect.stringContaining('replication is paused') });
  });

  it.each(['wait=cdn&waitSeconds=301', 'wait=cdn&waitSeconds=-1', 'wait=bucket'])(
    'refuses ?%s',
    async (query) => {
      expect(await put('1', query)).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
      expect(await api.events()).toEqual([]);
    },
  );
});
