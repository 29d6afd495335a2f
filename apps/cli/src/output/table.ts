import { printable } from '@holdfast/domain';
import { displayWidth, wrapText } from './display-width.ts';

export type Cell = string | number | null;

export interface TableLayout {
  /** Columns of the terminal; absent: no limit. */
  readonly width?: number;
  /** A text under each row, indented; null: none. The last column then is not wrapped. */
  readonly below?: readonly (string | null)[];
}

const GAP = '  ';
/** Text in fewer columns is harder to read than lines that the terminal breaks. */
const NARROWEST = 20;
const BELOW_INDENT = '    ';

/**
 * Rows in aligned columns, two spaces between them; numbers stand to the right, and text in the last column is
 * wrapped to the terminal.
 * @param headings  one for each column
 * @returns         lines without trailing spaces; null and empty cells show as `-`
 */
export function layOutTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width = Number.POSITIVE_INFINITY, below }: TableLayout = {},
): string[] {
  const shown = rows.map((row) =>
    row.map((cell) => (cell === null || cell === '' ? '-' : printable(String(cell)))),
  );
  const widths = headings.map((heading, column) =>
    Math.max(displayWidth(heading), ...shown.map((row) => displayWidth(row[column] ?? ''))),
  );
  const isNumeric = headings.map((_, column) => {
    const types = new Set(rows.map((row) => typeof row[column]));
    return types.has('number') && !types.has('string');
  });
  const last = headings.length - 1;
  const lastStart = widths.slice(0, last).reduce((sum, each) => sum + each + GAP.length, 0);
  const lastWidth = below === undefined ? Math.max(width - lastStart, NARROWEST) : Number.POSITIVE_INFINITY;
  const layOutRow = (row: readonly string[]): string[] => {
    const [first = '', ...more] = wrapText(row[last] ?? '', lastWidth);
    const cells = row.map((text, column) => {
      if (column === last && more.length > 0) return first;
      const padding = ' '.repeat((widths[column] ?? 0) - displayWidth(text));
      return isNumeric[column] === true ? padding + text : text + padding;
    });
    return [cells.join(GAP).trimEnd(), ...more.map((line) => ' '.repeat(lastStart) + line)];
  };
  return [headings, ...shown].flatMap((row, index) => {
    const text = index === 0 ? null : (below?.[index - 1] ?? null);
    return text === null ? layOutRow(row) : [...layOutRow(row), ...indent(text, width)];
  });
}

const indent = (text: string, width: number): string[] =>
  wrapText(printable(text), Math.max(width - BELOW_INDENT.length, NARROWEST)).map(
    (line) => BELOW_INDENT + line,
  );
