import { diffArrays } from 'diff';

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** From 1; null where the version does not have it. */
  readonly before: number | null;
  readonly after: number | null;
}

/** Lines in a row that are shown together, or hidden together until they are asked for. */
export interface DiffBlock {
  readonly isHidden: boolean;
  readonly lines: readonly DiffLine[];
}

const CONTEXT = 3;
/** The page does nothing else meanwhile. */
const TIMEOUT_MS = 3_000;

/** @returns null where comparing would take too long */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] | null {
  const changes = diffArrays([...before], [...after], { timeout: TIMEOUT_MS });
  if (changes === undefined) return null;
  let [old, now] = [0, 0];
  return changes.flatMap(({ value, added, removed }) =>
    value.map((text): DiffLine => {
      if (added) return { kind: 'added', text, before: null, after: (now += 1) };
      if (removed) return { kind: 'removed', text, before: (old += 1), after: null };
      return { kind: 'same', text, before: (old += 1), after: (now += 1) };
    }),
  );
}

/** Equal lines far from any change are hidden. */
export function foldEqual(lines: readonly DiffLine[]): DiffBlock[] {
  const blocks: DiffBlock[] = [];
  for (let start = 0; start < lines.length;) {
    const isSame = lines[start]!.kind === 'same';
    let end = start;
    while (end < lines.length && (lines[end]!.kind === 'same') === isSame) end += 1;
    const run = lines.slice(start, end);
    const head = start === 0 ? 0 : CONTEXT;
    const tail = end === lines.length ? 0 : CONTEXT;
    // A button in the place of one line would save nothing.
    if (isSame && run.length > head + tail + 1) {
      const parts = [run.slice(0, head), run.slice(head, run.length - tail), run.slice(run.length - tail)];
      parts.forEach((part, index) => {
        if (part.length > 0) blocks.push({ isHidden: index === 1, lines: part });
      });
    } else {
      blocks.push({ isHidden: false, lines: run });
    }
    start = end;
  }
  return blocks;
}
