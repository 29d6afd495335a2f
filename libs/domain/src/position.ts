/**
 * A place in the whole log. Opaque: only the event store makes one. All positions of one log have the
 * same length and compare with `<` in the order of the log; nothing else may be concluded from them.
 */
export type Position = string;

/**
 * False where a log was copied to a store of another kind since one of them was written down: the same event has another position
 * there, of another length.
 */
export const isOfOneStore = (position: Position, other: Position): boolean =>
  position.length === other.length;

/** False also where they are of different stores: nobody can say. */
export const isPositionAtOrAfter = (position: Position | null, other: Position | null): boolean =>
  other === null || (position !== null && isOfOneStore(position, other) && position >= other);

export const laterPosition = (a: Position | null, b: Position | null): Position | null =>
  isPositionAtOrAfter(a, b) ? a : b;
