import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { parsePath } from './content/path.ts';
import { defineEvent } from './event-definition.ts';
import {
  decodeEvent,
  derivedEventId,
  encodeEvent,
  EVENT_DEFINITIONS,
  newEventId,
  type NewEvent,
} from './events.ts';

const METADATA = { correlationId: 'c1', causationId: 'r1', actor: 'local', at: '2026-11-01T08:00:00.000Z' };
const DELETED: NewEvent = {
  id: '0198c0de-0000-7000-8000-000000000001',
  type: 'ContentDeleted',
  data: { path: parsePath('a.json'), reason: 'over' },
  metadata: METADATA,
};
const stored = (changes: object) => ({
  id: DELETED.id,
  stream: 'content-a.json',
  version: 3,
  position: '0000000000000009',
  type: 'ContentDeleted',
  ...encodeEvent(DELETED),
  ...changes,
});

describe('events', () => {
  it('come back as they were written', () => {
    expect(decodeEvent(stored({}))).toEqual({
      ...DELETED,
      stream: 'content-a.json',
      version: 3,
      position: '0000000000000009',
    });
  });

  it('are refused when they break their own schema, before they are written', () => {
    const wrong = { ...DELETED, data: { path: '../a.json', reason: 'x' } } as unknown as NewEvent;
    expect(() => encodeEvent(wrong)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }));
    const nobody = { ...DELETED, metadata: { ...METADATA, actor: '' } };
    expect(() => encodeEvent(nobody)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }));
  });

  it.each([
    ['text that is no JSON', { data: '{' }],
    ['data of another shape', { data: '{"path":"a.json"}' }],
    ['a path that leaves the root', { data: '{"path":"../a.json","reason":"x"}' }],
    ['a newer version', { v: 2 }],
    ['a version with no way up', { v: 0 }],
    ['a name nobody knows', { type: 'ContentRenamed' }],
    ['a name of the language', { type: 'constructor' }],
    ['damaged metadata', { metadata: 'null' }],
  ])('with %s are unreadable, and say where they stand', (_what, changes) => {
    const entry = decodeEvent(stored(changes));
    expect(entry).toMatchObject({
      type: 'Unreadable',
      version: 3,
      position: '0000000000000009',
      error: { code: 'EVENT_UNREADABLE', kind: 'poison' },
    });
  });

  it('of an older shape are brought up to date step by step', () => {
    const definitions = EVENT_DEFINITIONS as Record<string, unknown>;
    definitions['Tested'] = defineEvent({
      v: 3,
      schema: z.object({ name: z.string(), size: z.number() }),
      upcasters: {
        1: (data) => ({ name: (data as { title: string }).title }),
        2: (data) => ({ ...(data as object), size: 0 }),
      },
    });
    try {
      const entry = decodeEvent(stored({ type: 'Tested', v: 1, data: '{"title":"x"}' }));
      expect(entry).toMatchObject({ type: 'Tested', data: { name: 'x', size: 0 } });
    } finally {
      delete definitions['Tested'];
    }
  });
});

describe('ids', () => {
  it('of new events are ordered by time, and derived ones repeat', () => {
    const ids = Array.from({ length: 100 }, newEventId);
    expect([...ids].sort()).toEqual(ids);
    expect(derivedEventId('a', 'b')).toBe(derivedEventId('a', 'b'));
    expect(derivedEventId('a', 'b')).not.toBe(derivedEventId('ab', ''));
  });
});
