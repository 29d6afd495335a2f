/**
 * A place in the whole log. Opaque: only the event store makes one. All positions of one log have the
 * same length and compare with `<` in the order of the log; nothing else may be concluded from them.
 */
export type Position = string;

export const isPositionAtOrAfter = (position: Position | null, other: Position | null): boolean =>
  other === null || (position !== null && position >= other);

export const laterPosition = (a: Position | null, b: Position | null): Position | null =>
  isPositionAtOrAfter(a, b) ? a : b;
