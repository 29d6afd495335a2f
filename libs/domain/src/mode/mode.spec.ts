import { describe, expect, it } from '@jest/globals';
import { parsePath } from '../content/path.ts';
import type { EventOf } from '../events.ts';
import { newEvent, recorded } from '../testing/fixtures.ts';
import { getContentUrl, snapshotMode } from './content-url.ts';
import { baseUrlSchema } from './events.ts';
import { decideMode, initialMode, type Mode, modeDecider } from './mode.ts';

const NODE = {
  cdnBaseUrl: 'https://cdn.example',
  localBaseUrl: 'http://127.0.0.1:8080/content',
  urlVersion: false,
};
const DOCUMENT = { path: parsePath('units/u1.json'), sha256: '0123456789abcdef', isOnCdn: true };
const CDN = { url: 'https://cdn.example/units/u1.json', origin: 'cdn' };
const LOCAL = { url: 'http://127.0.0.1:8080/content/units/u1.json', origin: 'local' };

describe('getContentUrl', () => {
  it.each([
    { cdnEnabled: true, localFallback: false, isOnCdn: true, expected: CDN, no: 'FR-007' },
    { cdnEnabled: true, localFallback: false, isOnCdn: false, expected: LOCAL, no: 'FR-007' },
    { cdnEnabled: true, localFallback: true, isOnCdn: true, expected: LOCAL, no: 'FR-008' },
    { cdnEnabled: true, localFallback: true, isOnCdn: false, expected: LOCAL, no: 'FR-008' },
    { cdnEnabled: false, localFallback: false, isOnCdn: true, expected: LOCAL, no: 'FR-008' },
    { cdnEnabled: false, localFallback: false, isOnCdn: false, expected: LOCAL, no: 'FR-008' },
    { cdnEnabled: false, localFallback: true, isOnCdn: true, expected: LOCAL, no: 'FR-008' },
    { cdnEnabled: false, localFallback: true, isOnCdn: false, expected: LOCAL, no: 'FR-008' },
  ])(
    '$no cdnEnabled $cdnEnabled, localFallback $localFallback, on the CDN $isOnCdn: $expected.origin',
    ({ cdnEnabled, localFallback, isOnCdn, expected }) => {
      const mode = snapshotMode({ ...initialMode, cdnEnabled, localFallback }, NODE);
      expect(getContentUrl(mode, { ...DOCUMENT, isOnCdn })).toEqual(expected);
    },
  );

  it('is local where nobody names a CDN', () => {
    expect(getContentUrl(snapshotMode(initialMode, { ...NODE, cdnBaseUrl: null }), DOCUMENT)).toEqual(LOCAL);
  });

  it('prefers base URLs of the log over those of the node', () => {
    const mode: Mode = {
      ...initialMode,
      cdnBaseUrl: 'https://other.example/x',
      localBaseUrl: 'https://web.example',
    };
    expect(getContentUrl(snapshotMode(mode, NODE), DOCUMENT).url).toBe(
      'https://other.example/x/units/u1.json',
    );
    const fallback = snapshotMode({ ...mode, localFallback: true }, NODE);
    expect(getContentUrl(fallback, DOCUMENT).url).toBe('https://web.example/units/u1.json');
  });

  it('percent-encodes segments and adds the version when asked', () => {
    const mode = snapshotMode(initialMode, { ...NODE, urlVersion: true });
    const path = parsePath('دروس/a b, c=1.json');
    expect(getContentUrl(mode, { ...DOCUMENT, path }).url).toBe(
      'https://cdn.example/%D8%AF%D8%B1%D9%88%D8%B3/a%20b%2C%20c%3D1.json?v=01234567',
    );
  });
});

describe('decideMode', () => {
  const change = (changes: Partial<Mode>, cause: 'operator' | 'probe' = 'operator') =>
    ({ type: 'ChangeMode', changes, cause, reason: 'because' }) as const;

  it('FR-010 FR-011 changes what is named and keeps the rest', () => {
    expect(decideMode(change({ localFallback: true }), initialMode)).toEqual([
      {
        type: 'ModeChanged',
        data: {
          ...initialMode,
          localFallback: true,
          fallbackBy: 'operator',
          cause: 'operator',
          reason: 'because',
        },
      },
    ]);
  });

  it('appends nothing when the mode is already so', () => {
    expect(decideMode(change({ cdnEnabled: true }), initialMode)).toEqual([]);
  });

  it('keeps the probe off a pinned mode', () => {
    expect(decideMode(change({ localFallback: true }, 'probe'), { ...initialMode, pinned: true })).toEqual(
      [],
    );
    expect(decideMode(change({ localFallback: true }, 'probe'), initialMode)).toHaveLength(1);
  });
});

describe('whose fallback it is', () => {
  const change = (cause: 'operator' | 'probe', changes: Partial<Mode>) =>
    ({ type: 'ChangeMode', changes, cause, reason: 'because' }) as const;
  const on = change('probe', { localFallback: true });
  const off = change('probe', { localFallback: false });
  const wish = change('operator', { localFallback: true });
  const other = change('operator', { localBaseUrl: 'https://www.example' });

  it.each([
    ['the probe that switched it on', [on], [['probe', 'probe']]],
    ['an operator who did', [wish], [['operator', 'operator']]],
    [
      'an operator who asks for it too, once and for all',
      [on, wish, wish, other, off],
      [
        ['probe', 'probe'],
        ['operator', 'operator'],
        ['operator', 'operator'],
      ],
    ],
    [
      'the probe still, where an operator changes something else',
      [on, other, off],
      [
        ['probe', 'probe'],
        ['operator', 'probe'],
        ['probe', undefined],
      ],
    ],
    ['an operator still, where a probe asks too', [wish, on], [['operator', 'operator']]],
    ['nobody where it is off', [other], [['operator', undefined]]],
  ] as const)('%s', (_, commands, expected) => {
    let version = -1;
    let state = modeDecider.initial;
    const appended: (string | undefined)[][] = [];
    for (const command of commands) {
      for (const decided of modeDecider.decide(command, state)) {
        version += 1;
        const event = recorded(newEvent(decided), { position: '1', version }) as EventOf<'ModeChanged'>;
        state = modeDecider.evolve(state, event);
        appended.push([event.data.cause, event.data.fallbackBy]);
      }
    }
    expect(appended).toEqual(expected);
  });
});

describe('baseUrlSchema', () => {
  it('takes absolute http(s) URLs without their trailing slash', () => {
    expect(baseUrlSchema.parse('https://cdn.example/a/')).toBe('https://cdn.example/a');
  });

  it.each([
    'cdn.example',
    'ftp://x.example',
    'https://x.example?a=1',
    'https://x.example/#a',
    'https://u:p@x.example',
    'javascript:alert(1)',
  ])('refuses %s', (text) => {
    expect(baseUrlSchema.safeParse(text).success).toBe(false);
  });
});
