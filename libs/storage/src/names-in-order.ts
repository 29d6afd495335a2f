import { compareUtf8, sortUtf8 } from '@holdfast/domain/paths';

/**
 * Names in the order of their bytes, each once, in pages: however many there are, no more than two pages of them are in
 * memory. They are read again for each page, so what is added meanwhile may be left out.
 * @param read  all names, in any order
 */
export function* namesInOrder(
  read: () => Iterable<string>,
  namesPerPage: number,
): Generator<readonly string[], void> {
  let after: string | null = null;
  for (;;) {
    const page = lowestAfter(after, read(), namesPerPage);
    if (page.length === 0) return;
    yield page;
    if (page.length < namesPerPage) return;
    after = page.at(-1) ?? null;
  }
}

function lowestAfter(after: string | null, names: Iterable<string>, count: number): string[] {
  let lowest: string[] = [];
  /** Whatever comes after it is for a later page. */
  let last: string | null = null;
  for (const name of names) {
    if (after !== null && compareUtf8(name, after) <= 0) continue;
    if (last !== null && compareUtf8(name, last) >= 0) continue;
    lowest.push(name);
    if (lowest.length < 2 * count) continue;
    lowest = inOrder(lowest).slice(0, count);
    if (lowest.length === count) last = lowest.at(-1) ?? null;
  }
  return inOrder(lowest).slice(0, count);
}

function inOrder(names: string[]): string[] {
  const sorted = sortUtf8(names);
  return sorted.filter((name, index) => index === 0 || name !== sorted[index - 1]);
}
