import { HoldfastError } from '../errors.ts';
import type { DecidedEvent } from '../events.ts';
import type { ContentCommand, DeleteContent, Precondition, PublishContent } from './commands.ts';
import type { ContentState } from './state.ts';

/**
 * @returns the events to append; none when the document is already as the command wants it
 * @throws  VERSION_MISMATCH, CONTENT_NOT_FOUND
 */
export function decideContent(command: ContentCommand, state: ContentState): DecidedEvent[] {
  checkPrecondition(command.path, command.precondition, state);
  switch (command.type) {
    case 'PublishContent':
      return decidePublish(command, state);
    case 'DeleteContent':
      return decideDelete(command, state);
  }
}

function decidePublish({ path, document }: PublishContent, state: ContentState): DecidedEvent[] {
  const { contentType, bytes, sha256, md5, sourceSha256, links, body } = document;
  const isUnchanged =
    state.status === 'published' &&
    state.published.data.sha256 === sha256 &&
    state.published.data.contentType === contentType;
  if (isUnchanged) return [];
  const data = { path, contentType, bytes, sha256, md5, sourceSha256, links: [...links] };
  return [{ type: 'ContentPublished', data, body }];
}

function decideDelete({ path, reason, directory }: DeleteContent, state: ContentState): DecidedEvent[] {
  switch (state.status) {
    case 'never-published':
      throw new HoldfastError(
        'CONTENT_NOT_FOUND',
        `There is nothing to delete at ${path}: it was never published.`,
        {
          context: { path },
        },
      );
    case 'deleted':
      return [];
    case 'published':
      return [
        { type: 'ContentDeleted', data: { path, reason, ...(directory === null ? {} : { directory }) } },
      ];
  }
}

function checkPrecondition(path: string, { ifMatch, ifNoneMatch }: Precondition, state: ContentState): void {
  const current = state.status === 'published' ? state.version : null;
  const holds = (ifMatch === null || current === ifMatch) && (!ifNoneMatch || current === null);
  if (holds) return;
  const expected = ifNoneMatch ? 'no document' : `version ${ifMatch}`;
  const found = current === null ? `no document (${state.status})` : `version ${current}`;
  throw new HoldfastError('VERSION_MISMATCH', `${path} was expected to have ${expected}, and has ${found}.`, {
    context: { path, expected: ifMatch, current },
  });
}
