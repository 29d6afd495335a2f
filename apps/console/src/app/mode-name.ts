import type { ModeAnswer } from '@holdfast/api/types';
import { messages } from './messages.ts';

export type ModeChoice = 'cdn' | 'fallback' | 'off';

/** The three things an operator can want of the mode. */
export const CHOICES: Readonly<Record<ModeChoice, { cdnEnabled: boolean; localFallback: boolean }>> = {
  cdn: { cdnEnabled: true, localFallback: false },
  fallback: { cdnEnabled: true, localFallback: true },
  off: { cdnEnabled: false, localFallback: false },
};

export function choiceOf({
  cdnEnabled,
  localFallback,
}: Pick<ModeAnswer, 'cdnEnabled' | 'localFallback'>): ModeChoice {
  if (!cdnEnabled) return 'off';
  return localFallback ? 'fallback' : 'cdn';
}

/** Where readers are sent, in a few words. */
export function nameMode(mode: Pick<ModeAnswer, 'cdnEnabled' | 'localFallback' | 'cdnBaseUrl'>): string {
  const choice = choiceOf(mode);
  return choice === 'cdn' && mode.cdnBaseUrl === null ? messages.modeNames.noCdn : messages.modeNames[choice];
}
