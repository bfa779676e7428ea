/** Sharing the returns of a filter: what it must keep, and what it must save. */
import test from 'ava';
import { branch, JEQ, JGE, JGT, load, ret, type Code } from '#runtime-linux/seccomp/bpf.js';
import { rangeTree } from '#runtime-linux/seccomp/ranges.js';
import { shareReturns } from '#runtime-linux/seccomp/share.js';
import { evaluate } from './helpers/bpf.js';

const ALLOW = 0x7fff0000;
const DENY = 0x00050001;

const verdictOf = (code: Code, nr: number): number => evaluate(code, { nr, arch: 0, args: [0n, 0n, 0n, 0n, 0n, 0n] }).value;

function same(t: { is(actual: number, expected: number, message?: string): void }, { before, after, upTo }: { before: Code; after: Code; upTo: number }): void {
  for (let nr = 0; nr <= upTo; nr++) t.is(verdictOf(after, nr), verdictOf(before, nr), `number ${nr}`);
}

test('equal returns become one', (t) => {
  const before = [load(0), ...branch(JEQ, 1, { whenTrue: [ret(ALLOW)], whenFalse: branch(JEQ, 3, { whenTrue: [ret(ALLOW)], whenFalse: [ret(DENY)] }) })];
  const after = shareReturns(before);
  t.is(after.filter(([opcode]) => opcode === 0x06).length, 2);
  same(t, { before, after, upTo: 5 });
});

test('a question whose answers agree is not asked', (t) => {
  const before = [load(0), ...branch(JGE, 7, { whenTrue: [ret(ALLOW)], whenFalse: [ret(ALLOW)] })];
  const after = shareReturns(before);
  t.false(after.some(([opcode]) => opcode === JGE));
  same(t, { before, after, upTo: 9 });
});

test('a load goes on with what followed it, also where that has moved', (t) => {
  const inner = [load(4), ...branch(JGT, 0, { whenTrue: [ret(DENY)], whenFalse: [ret(ALLOW)] })];
  const before = [load(0), ...branch(JEQ, 2, { whenTrue: inner, whenFalse: [load(4), ret(DENY)] })];
  same(t, { before, after: shareReturns(before), upTo: 4 });
});

for (const count of [3, 100, 200, 400, 900, 1500]) {
  test(`a tree of ${count} ranges keeps every verdict, near and far`, (t) => {
    // Many values, so that returns of one value lie out of each other's reach.
    const ranges = Array.from({ length: count }, (_, index) => ({ from: index * 2, leaf: index % 3 === 0 ? 0x00050000 + (index % 700) : index % 3 === 1 ? ALLOW : DENY }));
    const before = [load(0), ...rangeTree(ranges, (value) => [ret(value)])];
    const after = shareReturns(before);
    t.true(after.length <= before.length);
    for (const [opcode, jt, jf] of after) if ([JEQ, JGE, JGT].includes(opcode)) t.true(jt <= 255 && jf <= 255 && jt >= 0 && jf >= 0);
    same(t, { before, after, upTo: count * 2 + 3 });
  });
}
