import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AlertCode, alertStream } from '@holdfast/domain';
import { parseLines, startApi, type TestApi } from '../testing/start-api.ts';

const ACTOR = 'projector:test-node';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const raise = (code: AlertCode, subject: string) =>
  api.append(alertStream(code, subject), {
    type: 'AlertRaised',
    data: { code, subject, severity: 'critical', message: `${code} began.`, details: { count: 100_000 } },
  });
const clear = (code: AlertCode, subject: string) =>
  api.append(alertStream(code, subject), {
    type: 'AlertCleared',
    data: { code, subject, message: `${code} ended.` },
  });
const list = async (query = '') => {
  const { status, json } = await api.get(`/v1/alerts${query}`);
  expect(status).toBe(200);
  return json as { alerts: { code: string; subject: string }[]; open: number; next: string | null };
};
/** What the API itself has to say of its surroundings is not what is tested. */
const codesOf = ({ alerts }: { alerts: { code: string }[] }) => alerts.map(({ code }) => code);

describe('GET /v1/alerts', () => {
  it('lists open and past alerts with their events, newest first', async () => {
    const first = await raise('DRIFT_FOUND', 'web-9');
    const second = await clear('DRIFT_FOUND', 'web-9');
    const third = await raise('PURGE_FAILING', '-');
    const { alerts } = await list('?code=DRIFT_FOUND');
    const at = expect.any(String) as unknown as string;
    expect(alerts).toEqual([
      {
        code: 'DRIFT_FOUND',
        subject: 'web-9',
        severity: 'critical',
        state: 'past',
        message: 'DRIFT_FOUND began.',
        details: { count: 100_000 },
        raisedAt: at,
        clearedAt: at,
        clearedBecause: 'DRIFT_FOUND ended.',
        events: [
          { type: 'AlertRaised', position: first, at, actor: ACTOR },
          { type: 'AlertCleared', position: second, at, actor: ACTOR },
        ],
      },
    ]);
    expect((await list('?code=PURGE_FAILING')).alerts).toMatchObject([
      { state: 'open', clearedAt: null, clearedBecause: null, events: [{ position: third }] },
    ]);
    expect(codesOf(await list('?state=past'))).toEqual(['DRIFT_FOUND']);
    expect(codesOf(await list('?state=open'))).toContain('PURGE_FAILING');
    expect((await list()).open).toBeGreaterThanOrEqual(1);
  });

  it('goes on page by page, and as a stream of lines', async () => {
    for (const subject of ['a', 'b', 'c']) await raise('DRIFT_FOUND', subject);
    const subjects: string[] = [];
    let cursor = '';
    do {
      const page = await list(`?code=DRIFT_FOUND&limit=2${cursor}`);
      subjects.push(...page.alerts.map(({ subject }) => subject));
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    expect(subjects).toEqual(['c', 'b', 'a']);
    const stream = await api.get('/v1/alerts?code=DRIFT_FOUND', { accept: 'application/x-ndjson' });
    expect(stream.headers['content-type']).toBe('application/x-ndjson');
    expect(parseLines(stream.body.toString())).toMatchObject([
      { subject: 'c' },
      { subject: 'b' },
      { subject: 'a' },
    ]);
  });

  it.each(['?state=closed', '?code=NOT_A_CODE', '?limit=0', '?nonsense=1'])('refuses %s', async (query) => {
    expect(await api.get(`/v1/alerts${query}`)).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID' },
    });
  });
});
