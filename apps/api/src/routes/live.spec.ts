import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alertStream, driftStream, jobStream, type NewEvent } from '@holdfast/domain';
import { eventually, startApi, type TestApi } from '../testing/start-api.ts';

interface Told {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

let api: TestApi;
let base: string;
const views: LiveView[] = [];

beforeEach(async () => {
  api = await startApi();
  base = await api.listen();
});

afterEach(async () => {
  for (const view of views.splice(0)) view.drop();
  await api.close();
});

/** A client of `/v1/live`, as a browser's EventSource is one. */
class LiveView {
  readonly told: Told[] = [];
  readonly answered: Promise<IncomingMessage>;
  readonly #request: ClientRequest;
  text = '';
  hasEnded = false;

  constructor(lastEventId?: string) {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    this.#request = get(`${base}/v1/live`, { headers, agent: false });
    this.#request.on('error', () => undefined);
    this.answered = new Promise((resolve) => this.#request.once('response', resolve));
    void this.answered.then((response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => this.#read(chunk));
      response.on('close', () => {
        this.hasEnded = true;
      });
    });
    views.push(this);
  }

  get lastId(): string | undefined {
    return this.told.findLast(({ id }) => id !== undefined)?.id;
  }

  of(event: string): Told[] {
    return this.told.filter((told) => told.event === event);
  }

  async heard(event: string, isIt: (data: Record<string, unknown>) => boolean = () => true): Promise<Told> {
    const found = await eventually(
      () => this.of(event).find(({ data }) => isIt(data)) ?? null,
      (told) => told !== null,
    );
    return found!;
  }

  drop(): void {
    this.#request.destroy();
  }

  #read(chunk: string): void {
    this.text += chunk;
    for (let end = this.text.indexOf('\n\n'); end >= 0; end = this.text.indexOf('\n\n')) {
      const lines = this.text.slice(0, end).split('\n');
      this.text = this.text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data === undefined) continue;
      this.told.push({
        id: field('id'),
        event: field('event') ?? 'message',
        data: JSON.parse(data) as never,
      });
    }
  }
}

const sum = (view: LiveView, name: string): number =>
  view.of('activity').reduce((total, { data }) => total + (data[name] as number), 0);
const alert = { code: 'DRIFT_FOUND', subject: 'web-9' } as const;
const raise = () =>
  api.append(alertStream(alert.code, alert.subject), {
    type: 'AlertRaised',
    data: { ...alert, severity: 'critical', message: 'Drift.', details: {} },
  });

describe('GET /v1/live', () => {
  it('tells on connecting how everything is', async () => {
    const view = new LiveView();
    expect((await view.answered).headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    });
    const hello = await view.heard('hello');
    expect(hello.id).toBe(hello.data['head']);
    expect((await view.heard('mode')).data).toMatchObject({ cdnEnabled: true });
    expect((await view.heard('alerts')).data).toHaveProperty('open');
    expect((await view.heard('health')).data).toMatchObject({
      node: 'test-node',
      documents: { published: 0 },
    });
  });

  it('tells what changes: publishes, the mode, alerts, health', async () => {
    const view = new LiveView();
    await view.heard('hello');
    await api.put('units/a.json', { id: 'a' });
    const { data } = await view.heard('activity');
    expect(data).toMatchObject({
      published: 1,
      deleted: 0,
      recent: [{ type: 'ContentPublished', path: 'units/a.json', version: 0 }],
    });
    await view.heard('health', ({ documents }) => (documents as { published: number }).published === 1);
    await api.send('PUT', '/v1/mode', { localFallback: true, reason: 'a test' });
    await view.heard('mode-changed', ({ type }) => type === 'ModeChanged');
    await view.heard('mode', ({ localFallback }) => localFallback === true);
    const position = await raise();
    expect(await view.heard('alert')).toMatchObject({
      id: position,
      data: { type: 'AlertRaised', data: alert },
    });
    await view.heard('alerts', ({ open }) =>
      (open as { code: string }[]).some(({ code }) => code === alert.code),
    );
  });

  it('measures how long a version took to the bucket', async () => {
    await api.put('units/a.json', { id: 'a' });
    const queuedAt = Date.parse(
      ((await api.get('/v1/content')).json['documents'] as { at: string }[])[0]!.at,
    );
    const view = new LiveView();
    await view.heard('hello');
    const data = {
      path: 'units/a.json',
      version: 0,
      action: 'put',
      sha256: null,
      etag: null,
      attempt: 1,
      durationMs: 5,
    };
    await api.append(
      'replication-units/a.json',
      { type: 'ContentReplicated', data } as never,
      new Date(queuedAt + 250).toISOString(),
    );
    const told = await view.heard('activity', ({ replicated }) => replicated === 1);
    expect(told.data['replicationMs']).toEqual({ p50: 250, p99: 250 });
  });

  it('counts many publishes instead of telling each', async () => {
    const view = new LiveView();
    await view.heard('hello');
    await api.batch(
      Array.from({ length: 300 }, (_, index) => ({ put: `units/${index}.json`, body: { index } })),
    );
    await eventually(
      () => sum(view, 'published'),
      (count) => count >= 300,
    );
    expect(sum(view, 'published')).toBe(300);
    expect(view.of('activity').length).toBeLessThan(100);
    expect(view.of('activity').every(({ data }) => (data['recent'] as unknown[]).length <= 20)).toBe(true);
  });

  it('goes on where a client was when its connection was lost: nothing twice, nothing left out', async () => {
    const first = new LiveView();
    await first.heard('hello');
    await api.put('units/a.json', { id: 'a' });
    await first.heard('activity');
    first.drop();
    const { lastId } = first;
    await api.put('units/b.json', { id: 'b' });
    const position = await raise();
    const second = new LiveView(lastId);
    expect((await second.heard('alert')).id).toBe(position);
    expect(second.of('activity').map(({ data }) => (data['recent'] as { path: string }[])[0]?.path)).toEqual([
      'units/b.json',
    ]);
    expect(second.of('hello')).toMatchObject([{ id: lastId }]);
  });

  it('tells every step of a job and of its scan, and the rest of them to a client that comes back', async () => {
    const scan = { scanId: 's1', node: 'web-9', kind: 'full' } as const;
    const error = { code: 'SCAN_INTERRUPTED', message: 'It was stopped.' };
    const steps: [stream: string, event: Pick<NewEvent, 'type' | 'data'>][] = [
      [
        jobStream('j1'),
        { type: 'JobRequested', data: { kind: 'scan', node: 'web-9', parameters: { kind: 'full' } } },
      ],
      [
        driftStream('web-9'),
        { type: 'ScanStarted', data: { ...scan, jobId: 'j1', repair: 'none', position: '1' } },
      ],
      [jobStream('j1'), { type: 'JobProgressed', data: { phase: 'local', done: 1, total: 2 } }],
      [driftStream('web-9'), { type: 'ScanAborted', data: { ...scan, error } }],
      [jobStream('j1'), { type: 'JobFinished', data: { outcome: 'failed', counts: {}, error } }],
    ];
    const positions: string[] = [];
    const go = async (from: number, to: number): Promise<void> => {
      for (const [stream, event] of steps.slice(from, to)) positions.push(await api.append(stream, event));
    };
    const toldOf = (view: LiveView) =>
      view.told
        .filter(({ event }) => event === 'job' || event === 'scan')
        .map(({ event, id, data }) => ({ event, id, type: data['type'], data: data['data'] }));
    const expected = (from: number, to: number) =>
      steps.slice(from, to).map(([stream, { type, data }], index) => ({
        event: stream.startsWith('job-') ? 'job' : 'scan',
        id: positions[from + index],
        type,
        data,
      }));

    const first = new LiveView();
    await first.heard('hello');
    await go(0, 3);
    await first.heard('job', ({ type }) => type === 'JobProgressed');
    expect(toldOf(first)).toEqual(expected(0, 3));
    first.drop();
    await go(3, 5);
    const second = new LiveView(first.lastId);
    await second.heard('job', ({ type }) => type === 'JobFinished');
    expect(toldOf(second)).toEqual(expected(3, 5));
  });

  it('says so to a client that comes from another log', async () => {
    const view = new LiveView('9'.repeat(16));
    const { id, data } = await view.heard('reset');
    expect(id).toBe(data['head']);
    const odd = new LiveView('nonsense');
    await odd.heard('reset');
  });

  it('ends when the server stops, which does not wait for it', async () => {
    const view = new LiveView();
    await view.heard('hello');
    await api.server.close();
    await eventually(
      () => view.hasEnded,
      (hasEnded) => hasEnded,
    );
  });
});
