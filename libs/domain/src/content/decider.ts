import type { Decider } from '../handle-command.ts';
import type { ContentCommand } from './commands.ts';
import { decideContent } from './decide.ts';
import { evolveContent } from './evolve.ts';
import { type ContentEvent, type ContentState, initialContent } from './state.ts';

export const contentDecider: Decider<ContentState, ContentCommand, ContentEvent> = {
  initial: initialContent,
  evolve: evolveContent,
  decide: decideContent,
};
