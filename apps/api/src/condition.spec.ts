import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AlertCode,
  alertStream,
  MODE_STREAM,
  initialMode,
  nodeStream,
  parsePath,
  replicationStream,
  systemClock,
} from '@holdfast/domain';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually, NODE, startApi, type TestApi } from './testing/start-api.ts';
import { hasEmbeddedLog } from '@holdfast/testing';

let api: TestApi;
afterEach(() => api.close());

interface Reason {
  readonly code: string;
  readonly detail: string;
}

const report = (node: string, projectors: readonly object[] = []) =>
  ({
    type: 'NodeReported',
    data: {
      node,
      version: '1.0.0',
      runtime: 'node 24',
      startedAt: '2026-01-05T08:00:00.000Z',
      intervalSeconds: 5,
      projectors: projectors.map((each) => ({
        name: 'local',
        state: 'running',
        reason: null,
        checkpoint: null,
        pending: 0,
        oldestPendingAt: null,
        ...each,
      })),
      disks: [],
      memoryBytes: 1,
    },
  }) as never;

const raise = (code: AlertCode, subject: string): Promise<string> =>
  api.append(alertStream(code, subject), {
    type: 'AlertRaised',
    data: { code, subject, severity: 'critical', message: `It is so of ${subject}.`, details: {} },
  });

/** What each of the ways to ask says, as codes. */
async function askEverywhere(): Promise<{ readyz: unknown; health: unknown; metrics: unknown }> {
  const codesOf = (answer: Record<string, unknown>) => ({
    reasons: (answer['reasons'] as Reason[]).map(({ code }) => code).sort(),
    warnings: (answer['warnings'] as Reason[]).map(({ code }) => code).sort(),
  });
  const { body } = await api.get('/metrics');
  const measured = [...body.toString().matchAll(/^holdfast_condition\{(.*)\} (\d+)$/gm)].flatMap(
    ([, labels = '', count]) => {
      const code = /code="(\w+)"/.exec(labels)?.[1];
      const level = /level="(\w+)"/.exec(labels)?.[1];
      return Array.from({ length: Number(count) }, () => ({ code, level }));
    },
  );
  const ofLevel = (level: string) =>
    measured
      .filter((each) => each.level === level)
      .map(({ code }) => code)
      .sort();
  const ready = /^holdfast_ready\{.*\} (\d)$/m.exec(body.toString())?.[1];
  const answered = await api.get('/readyz');
  expect(ready).toBe(answered.status === 200 ? '1' : '0');
  return {
    readyz: codesOf(answered.json),
    health: codesOf((await api.get('/v1/health')).json),
    metrics: { reasons: ofLevel('reason'), warnings: ofLevel('warning') },
  };
}

async function expectEverywhere(expected: { reasons: string[]; warnings: string[] }): Promise<void> {
  expect(await askEverywhere()).toEqual({ readyz: expected, health: expected, metrics: expected });
}

describe('/readyz, /v1/health and /metrics', () => {
  beforeEach(async () => {
    api = await startApi();
  });

  it('agree that all is well', async () => {
    await api.append(nodeStream(NODE), report(NODE, [{}]));
    await expectEverywhere({ reasons: [], warnings: [] });
  });

  it('agree on everything that is not', async () => {
    await api.put('a.json', '1');
    await api.append(
      nodeStream(NODE),
      report(NODE, [
        { state: 'stopped', reason: 'INTERNAL: a bug' },
        { name: 'cdn', state: 'waiting', reason: 'OBJECT_STORE_UNAVAILABLE: away' },
      ]),
    );
    const error = { code: 'OBJECT_REJECTED', message: 'The bucket refuses it.' };
    const data = { path: parsePath('a.json'), version: 0, action: 'put', attempts: 8, error } as const;
    await api.append(replicationStream(data.path), { type: 'ReplicationDeadLettered', data });
    const mode = { ...initialMode, localFallback: true, cause: 'probe', reason: '3 of 5 failed' } as const;
    await api.append(MODE_STREAM, { type: 'ModeChanged', data: mode });
    await raise('FAILED_OVER', '-');
    await expectEverywhere({
      reasons: ['PROJECTOR_STOPPED'],
      warnings: ['DEAD_LETTERS', 'FAILED_OVER', 'PROJECTOR_WAITING'],
    });
  });

  it('agree that a node serves readers well whose projectors of the bucket and of scans have stopped', async () => {
    const stopped = { state: 'stopped', reason: 'LOG_MISMATCH: the bucket is of another log' };
    const others = [
      { name: 'cdn', ...stopped },
      { name: 'drift', ...stopped },
    ];
    await api.append(nodeStream(NODE), report(NODE, [{}, ...others]));
    await expectEverywhere({ reasons: [], warnings: ['PROJECTOR_STOPPED', 'PROJECTOR_STOPPED'] });
  });

  it('agree on what a projector tells of that nobody else can know', async () => {
    await api.append(nodeStream(NODE), report(NODE, [{}]));
    const about = { code: 'SCAN_OVERDUE', subject: `${NODE}/full` } as const;
    await raise(about.code, about.subject);
    await expectEverywhere({ reasons: [], warnings: ['SCAN_OVERDUE'] });
    const cleared = { ...about, message: 'It was made.' };
    await api.append(alertStream(about.code, about.subject), { type: 'AlertCleared', data: cleared });
    await expectEverywhere({ reasons: [], warnings: [] });
  });

  it('agree that readers are away from the CDN for a probe, also when somebody has pinned that', async () => {
    await api.append(nodeStream(NODE), report(NODE, [{}]));
    const mode = { ...initialMode, localFallback: true, cause: 'probe', reason: '3 of 5 failed' } as const;
    await api.append(MODE_STREAM, { type: 'ModeChanged', data: mode });
    await raise('FAILED_OVER', '-');
    await expectEverywhere({ reasons: [], warnings: ['FAILED_OVER'] });
    const pinned = { ...mode, pinned: true, cause: 'operator', reason: 'until Monday' } as const;
    await api.append(MODE_STREAM, { type: 'ModeChanged', data: pinned });
    await expectEverywhere({ reasons: [], warnings: ['FAILED_OVER'] });
  });

  it('agree on every alert of another node that holds, and name none twice', async () => {
    await api.append(nodeStream(NODE), report(NODE, [{}, { name: 'cdn', state: 'standing-by' }]));
    const others = [
      {},
      { name: 'cdn', state: 'waiting', reason: 'away' },
      { name: 'drift', state: 'stopped' },
    ];
    await api.append(nodeStream('web-2'), report('web-2', others));
    await raise('CDN_UNREACHABLE', '-');
    await raise('DISK_LOW', 'web-2/data');
    await raise('EVENT_STORE_UNREACHABLE', 'web-2/api');
    await raise('PROJECTOR_STALLED', 'web-2/local');
    // Said by the stopped projector itself.
    await raise('PROJECTOR_STALLED', 'web-2/drift');
    await raise('LOG_MISMATCH', 'web-2/projector-cdn');
    const warnings = [
      'CDN_UNREACHABLE',
      'DISK_LOW',
      'EVENT_STORE_UNREACHABLE',
      'PROJECTOR_STALLED',
      'PROJECTOR_STOPPED',
    ];
    await expectEverywhere({ reasons: [], warnings });
    const metrics = (await api.get('/metrics')).body.toString();
    expect(metrics).toMatch(
      /^holdfast_alerts_open\{code="PROJECTOR_STALLED",severity="critical",node="test-node"\} 2$/m,
    );
    expect((await api.get('/readyz')).json['warnings']).toContainEqual({
      code: 'DISK_LOW',
      detail: 'It is so of web-2/data.',
    });
  });

  it('agree on what this node sees for itself, and leave out the alerts of it', async () => {
    const waiting = { name: 'cdn', state: 'waiting', reason: 'OBJECT_STORE_UNAVAILABLE: away' };
    await api.append(nodeStream(NODE), report(NODE, [{ state: 'stopped', reason: 'a bug' }, waiting]));
    await raise('CDN_UNREACHABLE', '-');
    await raise('PROJECTOR_STALLED', `${NODE}/local`);
    // Over, as it looks from here.
    await raise('DISK_LOW', `${NODE}/data`);
    await raise('EVENT_STORE_UNREACHABLE', `${NODE}/api`);
    await raise('REPLICATION_DEAD_LETTERED', '-');
    await expectEverywhere({ reasons: ['PROJECTOR_STOPPED'], warnings: ['PROJECTOR_WAITING'] });
  });

  it('agree that a projector is silent', async () => {
    await expectEverywhere({ reasons: ['PROJECTOR_SILENT'], warnings: [] });
  });
});

it('a disk that is too full is a warning everywhere, with its numbers', async () => {
  api = await startApi({ config: { diskMinFree: { percent: 100, bytes: null } } });
  await api.append(nodeStream(NODE), report(NODE, [{}]));
  await expectEverywhere({ reasons: [], warnings: ['DISK_FULL'] });
  const { json } = await api.get('/v1/health');
  const holds = hasEmbeddedLog() ? ['content', 'index', 'log'] : ['content', 'index'];
  expect(json).toMatchObject({
    status: 'degraded',
    disk: { publishing: false },
    disks: [{ name: 'data', holds, low: true, reserveInUse: expect.any(Boolean) }],
  });
});

it('a disk that cannot be asked is a warning everywhere, and keeps nobody from asking', async () => {
  const away = join(mkdtempSync(join(tmpdir(), 'holdfast-away-')), 'data');
  api = await startApi();
  await api.append(nodeStream(NODE), report(NODE, [{}]));
  renameSync(api.dataDir, away);
  const warned = { code: 'STORAGE_UNAVAILABLE', detail: expect.stringContaining(api.dataDir) };
  // An answer is as good as new for a moment.
  const ready = await eventually(
    () => api.get('/readyz'),
    ({ json }) => (json['warnings'] as unknown[]).length > 0,
  );
  const health = await api.get('/v1/health');
  const metrics = await api.get('/metrics');
  renameSync(away, api.dataDir);
  rmSync(dirname(away), { recursive: true });
  // The log was on it, too.
  expect(ready.json).toMatchObject({ warnings: [warned] });
  expect(health).toMatchObject({ status: 200, json: { disk: null, disks: [] } });
  expect([metrics.status, metrics.body.toString()]).toEqual([
    200,
    expect.not.stringContaining('holdfast_disk_free_bytes{'),
  ]);
});

describe('another node', () => {
  const retire = (node: string) => api.send('POST', `/v1/nodes/${node}/retire`, { reason: 'scrapped' });

  beforeEach(async () => {
    aheadMs = 0;
    const clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) };
    api = await startApi({ overrides: { clock } });
    await api.append(nodeStream(NODE), report(NODE, [{}]));
  });

  let aheadMs = 0;
  /** A report, and a minute in which no other came but of this node. */
  async function fallSilent(node: string): Promise<void> {
    await api.append(nodeStream(node), report(node, [{}]));
    aheadMs += 60_000;
    await api.append(nodeStream(NODE), report(NODE, [{}]));
    // The log has not been heard of for that long either, until it is.
    await eventually(
      () => api.get('/readyz'),
      ({ json }) => (json['reasons'] as unknown[]).length === 0,
    );
  }

  it('that has fallen silent is a warning until it is retired, and back when it reports', async () => {
    await fallSilent('web-2');
    await expectEverywhere({ reasons: [], warnings: ['NODE_SILENT'] });
    expect(await retire('web-2')).toMatchObject({ status: 200, json: { node: 'web-2' } });
    await expectEverywhere({ reasons: [], warnings: [] });
    expect((await api.events()).at(-1)).toMatchObject({
      type: 'NodeRetired',
      data: { node: 'web-2', reason: 'scrapped' },
    });
    await api.append(nodeStream('web-2'), report('web-2', [{ state: 'stopped', reason: 'a bug' }]));
    await expectEverywhere({ reasons: [], warnings: ['PROJECTOR_STOPPED'] });
  });

  it('that is retired takes its alerts along, and nobody else’s', async () => {
    await fallSilent('web-2');
    const subjects = ['web-2/data', 'web-2', 'web-20/data', 'web-20', '-'];
    for (const subject of subjects) {
      const data = {
        code: 'DISK_LOW',
        subject,
        severity: 'critical',
        message: 'Full.',
        details: {},
      } as const;
      await api.append(alertStream('DISK_LOW', subject), { type: 'AlertRaised', data });
    }
    await retire('web-2');
    const { alerts } = (await api.get('/v1/alerts?state=open')).json as { alerts: { subject: string }[] };
    expect(alerts.map(({ subject }) => subject)).toEqual(['-', 'web-20', 'web-20/data']);
    expect((await api.events()).map(({ type }) => type).slice(-3)).toEqual([
      'AlertCleared',
      'AlertCleared',
      'NodeRetired',
    ]);
  });

  it('cannot be retired while it reports, or where nobody knows it', async () => {
    await api.append(nodeStream('web-2'), report('web-2', [{}]));
    expect(await retire('web-2')).toMatchObject({ status: 409, json: { code: 'NODE_REPORTING' } });
    expect(await retire('web-3')).toMatchObject({ status: 404, json: { code: 'NODE_NOT_FOUND' } });
  });
});
