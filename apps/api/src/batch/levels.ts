/**
 * In which order documents are published so that what others point to is there first: level 0 points to
 * nothing in the batch, level n only to levels below n. Circles cannot be put in an order; each is taken
 * apart where it is met first.
 * @param links  from each document's number to the numbers of those it points to
 * @returns      the level of each
 */
export function levelsOf(links: readonly (readonly number[])[]): Int32Array {
  const levels = new Int32Array(links.length).fill(UNSEEN);
  // Depth first without recursion: a chain of links may be as long as the batch.
  const stack: { node: number; next: number; level: number }[] = [];
  for (let root = 0; root < links.length; root += 1) {
    if (levels[root] !== UNSEEN) continue;
    levels[root] = OPEN;
    stack.push({ node: root, next: 0, level: 0 });
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const target = links[frame.node]?.[frame.next];
      if (target === undefined) {
        levels[frame.node] = frame.level;
        stack.pop();
        const parent = stack.at(-1);
        if (parent !== undefined) parent.level = Math.max(parent.level, frame.level + 1);
        continue;
      }
      frame.next += 1;
      const known = levels[target] ?? OPEN;
      if (known === UNSEEN) {
        levels[target] = OPEN;
        stack.push({ node: target, next: 0, level: 0 });
      } else if (known !== OPEN) {
        frame.level = Math.max(frame.level, known + 1);
      }
    }
  }
  return levels;
}

const UNSEEN = -1;
/** On the way from the root: pointing back to it closes a circle. */
const OPEN = -2;
