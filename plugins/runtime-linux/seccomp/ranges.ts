/** Sorted ranges of unsigned 32-bit numbers as a balanced tree of comparisons. Called by `compile.ts` and `conditions.ts`. */
import { branch, JGE, type Code } from './bpf.js';

/** Ranges touch each other: each begins where the one before ends, the first at 0, and the last goes on for ever. */
export interface Range<Leaf> {
  readonly from: number;
  readonly leaf: Leaf;
}

export const MAX_U32 = 0xffffffff;

/** Binary search over A: every path tests at most log2(ranges) + 1 numbers. */
export function rangeTree<Leaf>(ranges: readonly Range<Leaf>[], emit: (leaf: Leaf) => Code): Code {
  const [first] = ranges;
  if (!first) return [];
  if (ranges.length === 1) return emit(first.leaf);
  const middle = ranges.length >> 1;
  const upper = ranges.slice(middle);
  return branch(JGE, (upper[0] as Range<Leaf>).from, {
    whenTrue: rangeTree(upper, emit),
    whenFalse: rangeTree(ranges.slice(0, middle), emit),
  });
}

/** Neighbours with one leaf become one range. */
export function mergeRanges<Leaf>(ranges: readonly Range<Leaf>[]): Range<Leaf>[] {
  return ranges.filter((range, index) => index === 0 || range.leaf !== ranges[index - 1]?.leaf);
}
