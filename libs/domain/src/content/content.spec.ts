import { describe, expect, it } from '@jest/globals';
import type { ContentEvent, ContentState } from './state.ts';
import { NO_PRECONDITION, type ContentCommand, type Precondition } from './commands.ts';
import { contentDecider } from './decider.ts';
import { prepareDocument } from './document.ts';
import { parsePath } from './path.ts';
import { isHoldfastError } from '../errors.ts';
import type { EventMetadata } from '../events.ts';

const PATH = parsePath('units/u1.json');
const METADATA: EventMetadata = {
  correlationId: 'c1',
  causationId: 'r1',
  actor: 'local',
  at: '2026-11-01T08:00:00.000Z',
};

const documentOf = (text: string, contentType = 'application/json') =>
  prepareDocument({ path: PATH, contentType, bytes: Buffer.from(text) });

const publish = (
  text: string,
  precondition: Precondition = NO_PRECONDITION,
  type?: string,
): ContentCommand => ({
  type: 'PublishContent',
  path: PATH,
  document: documentOf(text, type),
  precondition,
});

const remove = (precondition: Precondition = NO_PRECONDITION): ContentCommand => ({
  type: 'DeleteContent',
  path: PATH,
  reason: 'over',
  directory: null,
  precondition,
});

/** History as commands, so that no state is tested that cannot come about. */
function given(...history: ContentCommand[]) {
  let state: ContentState = contentDecider.initial;
  let version = 0;
  for (const command of history) {
    for (const event of contentDecider.decide(command, state)) {
      const recorded = {
        ...event,
        id: `e${version}`,
        metadata: METADATA,
        stream: 's',
        version,
        position: `${version}`,
      };
      state = contentDecider.evolve(state, recorded as ContentEvent);
      version += 1;
    }
  }
  return {
    when: (command: ContentCommand): string[] => {
      try {
        return contentDecider.decide(command, state).map((event) => event.type);
      } catch (error) {
        return [isHoldfastError(error) ? error.code : String(error)];
      }
    },
  };
}

const ifMatch = (version: number): Precondition => ({ ifMatch: version, ifNoneMatch: false });
const ifNone: Precondition = { ifMatch: null, ifNoneMatch: true };

describe('publish', () => {
  it('says everything about the document in one event', () => {
    const [event] = contentDecider.decide(publish('{"a":"content:a.json"}'), contentDecider.initial);
    const { contentType, bytes, sha256, md5, sourceSha256, body } = documentOf('{"a":"content:a.json"}');
    expect(event).toEqual({
      type: 'ContentPublished',
      data: { path: PATH, contentType, bytes, sha256, md5, sourceSha256, links: ['a.json'] },
      body,
    });
  });

  it('appends nothing when bytes and content type are the current ones', () => {
    expect(given(publish('1')).when(publish('1'))).toEqual([]);
    expect(given(publish('1')).when(publish('1', NO_PRECONDITION, 'application/x+json'))).toEqual([
      'ContentPublished',
    ]);
    expect(given(publish('1'), publish('2')).when(publish('1'))).toEqual(['ContentPublished']);
    expect(given(publish('1'), remove()).when(publish('1'))).toEqual(['ContentPublished']);
  });

  it('checks what the client expects before anything else', () => {
    expect(given(publish('1')).when(publish('2', ifMatch(0)))).toEqual(['ContentPublished']);
    expect(given(publish('1')).when(publish('1', ifMatch(1)))).toEqual(['VERSION_MISMATCH']);
    expect(given().when(publish('1', ifMatch(0)))).toEqual(['VERSION_MISMATCH']);
    expect(given(publish('1'), remove()).when(publish('1', ifMatch(1)))).toEqual(['VERSION_MISMATCH']);
    expect(given(publish('1')).when(publish('2', ifNone))).toEqual(['VERSION_MISMATCH']);
    expect(given(publish('1'), remove()).when(publish('2', ifNone))).toEqual(['ContentPublished']);
    expect(given().when(publish('2', ifNone))).toEqual(['ContentPublished']);
  });
});

describe('delete', () => {
  it('FR-003 deletes what is published, once', () => {
    expect(given(publish('1')).when(remove())).toEqual(['ContentDeleted']);
    expect(given(publish('1'), remove()).when(remove())).toEqual([]);
    expect(given().when(remove())).toEqual(['CONTENT_NOT_FOUND']);
    expect(given(publish('1'), publish('2')).when(remove(ifMatch(0)))).toEqual(['VERSION_MISMATCH']);
  });
});
