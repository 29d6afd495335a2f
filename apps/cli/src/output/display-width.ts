const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/gu;
const DOUBLE_WIDTH =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/gu;

/** Columns the text takes in a terminal, near enough to lay out a table. */
export const displayWidth = (text: string): number => {
  const visible = text.replace(ZERO_WIDTH, '');
  return [...visible].length + (visible.match(DOUBLE_WIDTH)?.length ?? 0);
};

/**
 * Text in lines of at most so many columns, broken at spaces. A word that is longer stays whole: the terminal breaks
 * it, and a path or URL can still be copied.
 */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
