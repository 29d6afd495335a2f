import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, parsePath, replicationStream, systemClock } from '@holdfast/domain';
import { startApi, type TestApi } from '../testing/start-api.ts';

const NOW = Date.parse('2026-01-05T08:02:00.500Z');
let now = NOW;
const clock: Clock = { ...systemClock, now: () => new Date(now) };
/** So many seconds ago. */
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

let api: TestApi;
beforeEach(async () => {
  now = NOW;
  api = await startApi({ clock, overrides: { clock } });
});
afterEach(() => api.close());

async function publish(path: string, secondsAgo: number): Promise<void> {
  now = NOW - secondsAgo * 1000;
  expect((await api.put(path, '1')).status).toBe(201);
  now = NOW;
}

const replicated = (path: string, secondsAgo: number) =>
  api.append(
    replicationStream(parsePath(path)),
    {
      type: 'ContentReplicated',
      data: {
        path: parsePath(path),
        version: 0,
        action: 'put',
        sha256: null,
        etag: null,
        attempt: 1,
        durationMs: 5,
      },
    },
    ago(secondsAgo),
  );

const none = { published: 0, deleted: 0, replicated: 0, failed: 0, deadLettered: 0, replicationMs: null };

describe('GET /v1/activity', () => {
  it('counts what happened in each of the last seconds, and tells the latest first', async () => {
    await publish('old.json', 130);
    await publish('a.json', 100);
    await publish('b.json', 100);
    await replicated('a.json', 60);
    const { status, json } = await api.get('/v1/activity');
    expect(status).toBe(200);
    expect(json).toEqual({
      now: ago(0),
      seconds: [
        { ...none, at: '2026-01-05T08:00:20.000Z', published: 2 },
        {
          ...none,
          at: '2026-01-05T08:01:00.000Z',
          replicated: 1,
          replicationMs: { p50: 40_000, p99: 40_000 },
        },
      ],
      recent: [
        { type: 'ContentReplicated', path: 'a.json', version: 0, at: ago(60) },
        { type: 'ContentPublished', path: 'b.json', version: 0, at: ago(100) },
        { type: 'ContentPublished', path: 'a.json', version: 0, at: ago(100) },
      ],
      isComplete: true,
    });
    expect((await api.get('/v1/activity?seconds=200')).json['recent']).toHaveLength(4);
  });

  it('says so where more happened than is read for an answer', async () => {
    await publish('first.json', 100);
    await api.batch(
      Array.from({ length: 10_000 }, (_, index) => ({ put: `many/${index}.json`, body: index })),
    );
    const { json } = await api.get('/v1/activity');
    expect(json).toMatchObject({
      seconds: [{ at: '2026-01-05T08:02:00.000Z', published: 10_000 }],
      isComplete: false,
    });
  });

  it('knows of nothing before anything happened, and refuses what is no number of seconds', async () => {
    expect((await api.get('/v1/activity')).json).toMatchObject({ seconds: [], recent: [], isComplete: true });
    expect(await api.get('/v1/activity?seconds=601')).toMatchObject({ status: 400 });
  });
});
