import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, jobStream, systemClock } from '@holdfast/domain';
import { NODE, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

describe('DELETE /v1/content/{path}', () => {
  it('deletes, with the reason in the log; deleting again changes nothing', async () => {
    await api.put('a.json', '1');
    const first = await api.delete('a.json?reason=outdated');
    expect(first).toMatchObject({ status: 200, json: { path: 'a.json', version: 1, unchanged: false } });
    const again = await api.delete('a.json');
    expect(again).toMatchObject({ status: 200, json: { version: 1, unchanged: true } });
    const events = await api.events();
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ type: 'ContentDeleted', data: { path: 'a.json', reason: 'outdated' } });
  });

  it('answers 404 for what was never published', async () => {
    const answer = await api.delete('a.json');
    expect(answer).toMatchObject({ status: 404, json: { code: 'CONTENT_NOT_FOUND' } });
  });

  it('honours If-Match', async () => {
    await api.put('a.json', '1');
    await api.put('a.json', '2');
    expect(await api.delete('a.json', { 'if-match': '"0"' })).toMatchObject({ status: 412 });
    expect(await api.delete('a.json', { 'if-match': '"1"' })).toMatchObject({ status: 200 });
  });

  it('gives the first answer again for a repeated Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'k1' };
    await api.put('a.json', '1');
    const first = await api.delete('a.json', key);
    await api.put('a.json', '2');
    expect((await api.delete('a.json', key)).json).toEqual(first.json);
    expect((await api.get('/v1/content/a.json')).status).toBe(200);
    const other = await api.delete('a.json?reason=other', key);
    expect(other).toMatchObject({ status: 422, json: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('takes a content type without a body, and refuses a body', async () => {
    await api.put('a.json', '1');
    const type = { 'content-type': 'application/json' };
    const withBody = await api.inject({
      method: 'DELETE',
      url: '/v1/content/a.json',
      headers: type,
      payload: '{"reason":"x"}',
    });
    expect(withBody).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(await api.delete('a.json', type)).toMatchObject({ status: 200 });
  });
});

describe('DELETE /v1/content/{directory}/', () => {
  it('FR-018 notes a job with the position it covers', async () => {
    await api.put('plans/p1/manifest.json', '{}');
    const { json: second } = await api.put('plans/p1/subjects/s1.json', '{}');
    const answer = await api.delete('plans/p1/?reason=over');
    expect(answer).toMatchObject({
      status: 202,
      json: {
        kind: 'directory-deletion',
        node: NODE,
        state: 'requested',
        parameters: { directory: 'plans/p1/', reason: 'over', position: second['position'] },
      },
    });
    const location = String(answer.headers['location']);
    expect((await api.get(location)).json).toEqual(answer.json);
    expect((await api.events()).map(({ type }) => type)).toEqual([
      'ContentPublished',
      'ContentPublished',
      'JobRequested',
    ]);
  });

  it('gives the first job again for a repeated Idempotency-Key, although the log has grown', async () => {
    const key = { 'idempotency-key': 'k1' };
    await api.put('d/a.json', '1');
    const first = await api.delete('d/', key);
    await api.put('d/b.json', '1');
    const again = await api.delete('d/', key);
    expect([again.status, again.json]).toEqual([202, first.json]);
    expect(await api.delete('d/?reason=other', key)).toMatchObject({ status: 422 });
  });

  it('takes a repeated Idempotency-Key for a new request after a day, and gives that job again then', async () => {
    await api.close();
    let now = Date.parse('2026-01-05T08:00:00.000Z');
    const clock: Clock = { ...systemClock, now: () => new Date(now) };
    api = await startApi({ clock, overrides: { clock } });
    const day = 24 * 60 * 60 * 1000;
    const key = { 'idempotency-key': 'k1' };
    const request = async (reason: string) => (await api.delete(`d/?reason=${reason}`, key)).json['id'];
    await api.put('d/a.json', '1');
    const first = await request('one');
    now += day;
    expect(await request('one')).toBe(first);
    now += 1;
    const second = await request('two');
    expect(second).not.toBe(first);
    expect(await request('two')).toBe(second);
    now += day + 1;
    const third = await request('three');
    expect([first, second]).not.toContain(third);
    const requested = (await api.events()).filter(({ type }) => type === 'JobRequested');
    expect(requested.map(({ stream }) => stream)).toEqual(
      [first, second, third].map((id) => jobStream(String(id))),
    );
  });

  it.each([
    ['nothing/', {}, 404, 'CONTENT_NOT_FOUND'],
    ['.hidden/', {}, 400, 'PATH_INVALID'],
    ['/', {}, 400, 'PATH_INVALID'],
    ['d/', { 'if-match': '"0"' }, 400, 'REQUEST_INVALID'],
    ['d/?wait=local', {}, 400, 'REQUEST_INVALID'],
  ])('refuses %s %j', async (path, headers, status, code) => {
    expect(await api.delete(path, headers)).toMatchObject({ status, json: { code } });
    expect(await api.events()).toEqual([]);
  });
});
