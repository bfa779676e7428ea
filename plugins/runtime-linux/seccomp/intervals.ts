/**
 * Rules that allow many single values of one argument (socket families, personalities), folded to one set of values that is
 * searched as a tree. Called by `conditions.ts`.
 */
import { argHigh, argLow, branch, jump, JEQ, load, ret, type Code } from './bpf.js';
import { mergeRanges, rangeTree, type Range } from './ranges.js';
import type { Comparison, Conditional } from './verdicts.js';

export interface ValueSet {
  readonly index: number;
  readonly value: number;
  /** Membership of values below 2^32. */
  readonly low: readonly Range<boolean>[];
  /** Membership of all values from 2^32 up. */
  readonly high: boolean;
}

const WORD = 2 ** 32;

/** Runs of at least two neighbouring rules over one argument with one return value, folded; the rest as it was, in order. */
export function setsOf(rules: readonly Conditional[]): readonly (Conditional | ValueSet)[] {
  const runs: Conditional[][] = [];
  for (const rule of rules) {
    const run = runs.at(-1);
    if (run?.[0] && foldable(run[0], rule)) run.push(rule);
    else runs.push([rule]);
  }
  return runs.flatMap((run): readonly (Conditional | ValueSet)[] => (run.length > 1 ? [fold(run)] : run));
}

/** Code that returns the set's value for a member and falls through to its own end otherwise. */
export function setCode({ index, value, low, high }: ValueSet, bits: 32 | 64): Code {
  const tree = [load(argLow(index)), ...rangeTree(low, (member) => (member ? [ret(value)] : [FALL_THROUGH]))];
  const halves: Code =
    bits === 32 ? tree : [load(argHigh(index)), ...branch(JEQ, 0, { whenTrue: tree, whenFalse: high ? [ret(value)] : [FALL_THROUGH] })];
  return halves.map((instruction, at) => (instruction === FALL_THROUGH ? jump(halves.length - at - 1) : instruction));
}

const FALL_THROUGH = jump(-1);

function foldable(first: Conditional, rule: Conditional): boolean {
  const [a] = first.args;
  const [b] = rule.args;
  return first.args.length === 1 && rule.args.length === 1 && a?.index === b?.index && first.value === rule.value && [a, b].every((arg) => arg && simple(arg));
}

/** Below 2^32 the high half is settled by one test. */
function simple(arg: Comparison): boolean {
  return arg.op !== 'SCMP_CMP_MASKED_EQ' && arg.value < WORD;
}

function fold(run: readonly Conditional[]): ValueSet {
  const args = run.map((rule) => rule.args[0] as Comparison);
  const edges = new Set([0, ...args.flatMap(({ value }) => [value, value + 1])].filter((edge) => edge < WORD));
  const member = (candidate: number): boolean => args.some((arg) => holds(arg, candidate));
  const low = mergeRanges([...edges].sort((a, b) => a - b).map((from): Range<boolean> => ({ from, leaf: member(from) })));
  return { index: (args[0] as Comparison).index, value: (run[0] as Conditional).value, low, high: member(WORD) };
}

function holds({ op, value }: Comparison, candidate: number): boolean {
  switch (op) {
    case 'SCMP_CMP_EQ': return candidate === value;
    case 'SCMP_CMP_NE': return candidate !== value;
    case 'SCMP_CMP_LT': return candidate < value;
    case 'SCMP_CMP_LE': return candidate <= value;
    case 'SCMP_CMP_GT': return candidate > value;
    case 'SCMP_CMP_GE': return candidate >= value;
    default: return false;
  }
}
