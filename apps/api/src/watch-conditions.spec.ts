import { expect, it } from '@jest/globals';
import { AT, ManualClock } from '@holdfast/domain/testing';
import type { ProjectorTrouble, ProjectorVerdict } from './projector-watch.ts';
import { lookAtProjectors } from './watch-conditions.ts';

const clock = new ManualClock();
type Projector = 'local' | 'cdn' | null;
const well = (projector: Projector): ProjectorVerdict => ({ projector, trouble: null });
const trouble = (code: ProjectorTrouble['code'], projector: Projector): ProjectorVerdict => ({
  projector,
  trouble: { code, projector, detail: 'It does nothing.', since: new Date(AT) },
});

async function look(...verdicts: readonly ProjectorVerdict[]): Promise<unknown[]> {
  const watch = { look: () => Promise.resolve([...verdicts]) };
  const findings = await lookAtProjectors('web-1', watch, clock).look();
  return findings.map(({ subject, problem }) => [subject, problem?.details['reason'] ?? null]);
}

it('a projector that gets nothing done is an alert of its own', async () => {
  expect(await look(well('local'), trouble('PROJECTOR_STALLED', 'cdn'), well(null))).toEqual([
    ['web-1/local', null],
    ['web-1/cdn', 'PROJECTOR_STALLED'],
    ['web-1', null],
  ]);
});

it('a projector that is silent is one after a minute, as a restart wakes nobody', async () => {
  const silent = trouble('PROJECTOR_SILENT', 'local');
  expect(await look(silent, well(null))).toEqual([['web-1', null]]);
  clock.advance(60_000);
  expect(await look(silent, well(null))).toEqual([
    ['web-1/local', 'PROJECTOR_SILENT'],
    ['web-1', null],
  ]);
});

it('a node that never reported is one too, until it does', async () => {
  clock.advance(60_000);
  expect(await look(trouble('PROJECTOR_SILENT', null))).toEqual([['web-1', 'PROJECTOR_SILENT']]);
  expect(await look(well('local'), well(null))).toEqual([
    ['web-1/local', null],
    ['web-1', null],
  ]);
});
