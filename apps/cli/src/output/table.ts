import { printable } from '@holdfast/domain';

export type Cell = string | number | null;

/**
 * Rows in aligned columns, two spaces between them; numbers stand to the right.
 * @param headings  one for each column
 * @returns         lines without trailing spaces; null and empty cells show as `-`
 */
export function layOutTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
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
  return [headings, ...shown].map((row) =>
    row
      .map((text, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - displayWidth(text));
        return isNumeric[column] === true ? padding + text : text + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/gu;
const DOUBLE_WIDTH =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/gu;

/** Columns the text takes in a terminal, near enough for a table. */
const displayWidth = (text: string): number => {
  const visible = text.replace(ZERO_WIDTH, '');
  return [...visible].length + (visible.match(DOUBLE_WIDTH)?.length ?? 0);
};
