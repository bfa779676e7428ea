/** Argument conditions in, code that returns the rule's value or falls through to its own end out. Called by `compile.ts`. */
import { AND, argHigh, argLow, JEQ, JGE, JGT, load, ret, type Code, type Instruction } from './bpf.js';
import { setCode, setsOf } from './intervals.js';
import type { Comparison, Conditional } from './verdicts.js';

/**
 * Code for rules tried in turn. Each block either returns or falls through to the next; `otherwise` closes the chain.
 * 64-bit values are compared half by half, the high one first; `bits` 32 leaves the high halves out.
 */
export function conditionChain(rules: readonly Conditional[], { otherwise, bits }: { readonly otherwise: number; readonly bits: 32 | 64 }): Code {
  return [...setsOf(rules).flatMap((rule) => ('args' in rule ? ruleBlock(rule, bits) : setCode(rule, bits))), ret(otherwise)];
}

/** Jump targets inside a block before its length is known. */
type Target = 'next' | 'pass' | 'fail';
interface Step {
  readonly code: number;
  readonly k: number;
  readonly yes: Target;
  readonly no: Target;
}

function ruleBlock({ args, value }: Conditional, bits: 32 | 64): Code {
  const units = args.map((arg) => (bits === 32 ? comparison32(arg) : comparison64(arg)));
  const length = units.reduce((sum, unit) => sum + unit.length, 0) + 1;
  let position = 0;
  const code: Instruction[] = [];
  for (const unit of units) {
    const passAt = position + unit.length;
    for (const step of unit) {
      const distance = (target: Target): number => ({ next: 0, pass: passAt - position - 1, fail: length - position - 1 })[target];
      code.push([step.code, distance(step.yes), distance(step.no), step.k]);
      position += 1;
    }
  }
  return [...code, ret(value)];
}

const plain = ([code, , , k]: Instruction): Step => ({ code, k, yes: 'next', no: 'next' });
const test = (code: number, k: number, [yes, no]: readonly [Target, Target]): Step => ({ code, k, yes, no });

/** How the halves decide: what the high half being above, and below, the wanted one means; then the test of the low half. */
const orders = {
  SCMP_CMP_GT: { above: 'pass', below: 'fail', low: (k: number) => test(JGT, k, ['pass', 'fail']) },
  SCMP_CMP_GE: { above: 'pass', below: 'fail', low: (k: number) => test(JGE, k, ['pass', 'fail']) },
  SCMP_CMP_LT: { above: 'fail', below: 'pass', low: (k: number) => test(JGE, k, ['fail', 'pass']) },
  SCMP_CMP_LE: { above: 'fail', below: 'pass', low: (k: number) => test(JGT, k, ['fail', 'pass']) },
} as const;

function comparison64(arg: Comparison): readonly Step[] {
  const value = halves(arg.value);
  const high = plain(load(argHigh(arg.index)));
  const low = plain(load(argLow(arg.index)));
  if (arg.op === 'SCMP_CMP_EQ') {
    return [high, test(JEQ, value.high, ['next', 'fail']), low, test(JEQ, value.low, ['pass', 'fail'])];
  }
  if (arg.op === 'SCMP_CMP_NE') {
    return [high, test(JEQ, value.high, ['next', 'pass']), low, test(JEQ, value.low, ['fail', 'pass'])];
  }
  if (arg.op === 'SCMP_CMP_MASKED_EQ') {
    const wanted = halves(arg.valueTwo ?? 0);
    return [
      high, plain([AND, 0, 0, value.high]), test(JEQ, wanted.high, ['next', 'fail']),
      low, plain([AND, 0, 0, value.low]), test(JEQ, wanted.low, ['pass', 'fail']),
    ];
  }
  const order = orders[arg.op];
  return [high, test(JGT, value.high, [order.above, 'next']), test(JEQ, value.high, ['next', order.below]), low, order.low(value.low)];
}

function comparison32(arg: Comparison): readonly Step[] {
  const value = halves(arg.value).low;
  const low = plain(load(argLow(arg.index)));
  if (arg.op === 'SCMP_CMP_EQ') return [low, test(JEQ, value, ['pass', 'fail'])];
  if (arg.op === 'SCMP_CMP_NE') return [low, test(JEQ, value, ['fail', 'pass'])];
  if (arg.op === 'SCMP_CMP_MASKED_EQ') {
    return [low, plain([AND, 0, 0, value]), test(JEQ, halves(arg.valueTwo ?? 0).low, ['pass', 'fail'])];
  }
  return [low, orders[arg.op].low(value)];
}

function halves(value: number): { readonly high: number; readonly low: number } {
  return { high: Math.floor(value / 2 ** 32) >>> 0, low: value >>> 0 };
}
