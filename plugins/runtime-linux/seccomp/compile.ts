/**
 * An OCI seccomp profile in, the bytes of a classic BPF program out. Called by the plan compiler.
 *
 * Shape: the architecture chooses a balanced tree over number ranges, whose leaves return, or test arguments and return.
 * A call of an architecture the profile does not name is killed, as libseccomp has it.
 */
import { CoreError, type Oci } from '@core/core/plugin';
import { RET_KILL_THREAD } from './actions.js';
import { ARCH, branch, encode, JEQ, load, MAX_INSTRUCTIONS, NR, ret, type Code } from './bpf.js';
import { conditionChain } from './conditions.js';
import { mergeRanges, MAX_U32, rangeTree, type Range } from './ranges.js';
import { shareReturns } from './share.js';
import { arch, nativeArch, X32_BIT, type Arch } from './tables.js';
import { verdicts, type Verdict, type Verdicts } from './verdicts.js';

/** Throws E_INVALID for a profile that passes the kernel's bound of 4096 instructions or names no known architecture. */
export function compileSeccomp(profile: Oci.Seccomp): Uint8Array {
  const code = seccompCode(profile);
  if (code.length > MAX_INSTRUCTIONS) {
    throw new CoreError('E_INVALID', { message: `seccomp: the profile needs ${code.length} instructions, the kernel takes ${MAX_INSTRUCTIONS}` });
  }
  return encode(code);
}

export function seccompCode(profile: Oci.Seccomp): Code {
  const names = profile.architectures?.length ? profile.architectures : [nativeArch()];
  const archs = names.map((name) => arch(name)).filter((known) => known !== undefined);
  if (archs.length === 0) {
    throw new CoreError('E_INVALID', { message: `seccomp: none of the architectures ${names.join(', ')} is known` });
  }
  const groups = new Map<number, Arch[]>();
  for (const one of archs) groups.set(one.audit, [...(groups.get(one.audit) ?? []), one]);
  const dispatch = [...groups].reduceRight<Code>(
    (rest, [audit, members]) => branch(JEQ, audit, { whenTrue: [load(NR), ...numberTree(profile, members)], whenFalse: rest }),
    [ret(RET_KILL_THREAD)],
  );
  return shareReturns([load(ARCH), ...dispatch]);
}

interface Leaf {
  readonly verdict: Verdict;
  readonly bits: 32 | 64;
}

function numberTree(profile: Oci.Seccomp, members: readonly Arch[]): Code {
  const leaves = new Map<number, Leaf>();
  const ranges = [...members]
    .sort((a, b) => a.base - b.base)
    .flatMap((member) => archRanges(verdicts(profile, member), { member, leaves }));
  return rangeTree(mergeRanges(aroundX32(ranges, { members, leaves })), ({ verdict, bits }) =>
    typeof verdict === 'number' ? [ret(verdict)] : conditionChain(verdict.rules, { otherwise: verdict.otherwise, bits }),
  );
}

interface Context {
  readonly member: Arch;
  readonly leaves: Map<number, Leaf>;
}

/** The arm kernel keeps private calls far above all others; they are no sign of how young the profile is. */
const PRIVATE = 0xf0000;

function archRanges({ byNumber, otherwise, newer }: Verdicts, { member, leaves }: Context): Range<Leaf>[] {
  const numbers = [...byNumber.keys()].sort((a, b) => a - b);
  const youngest = numbers.filter((number) => number - member.base < PRIVATE).at(-1) ?? MAX_U32;
  const fixed = (value: number): Leaf => leafOf(value, leaves);
  const gap = (from: number): Range<Leaf> => ({ from, leaf: fixed(from > youngest ? newer : otherwise) });
  const ranges: Range<Leaf>[] = [];
  let next = member.base;
  for (const number of numbers) {
    if (number > next) ranges.push(gap(next));
    const verdict = byNumber.get(number) as Verdict;
    ranges.push({ from: number, leaf: typeof verdict === 'number' ? fixed(verdict) : { verdict, bits: member.bits } });
    next = number + 1;
  }
  return [...ranges, gap(next), { from: MAX_U32, leaf: fixed(otherwise) }];
}

/**
 * x32 shares x86_64's tree: its numbers carry a bit. Where the profile leaves x32 out, numbers with that bit are killed like
 * those of any other architecture it does not name; -1, which tracers use to skip a call, keeps the default.
 */
function aroundX32(ranges: readonly Range<Leaf>[], { members, leaves }: { members: readonly Arch[]; leaves: Map<number, Leaf> }): Range<Leaf>[] {
  const wide = members.find((member) => member.name === 'SCMP_ARCH_X86_64');
  const x32 = members.find((member) => member.base === X32_BIT);
  const kill = leafOf(RET_KILL_THREAD, leaves);
  const last = ranges.filter((range) => range.from === MAX_U32).at(-1) as Range<Leaf>;
  const below = ranges.filter((range) => range.from !== MAX_U32);
  if (wide && !x32) return [...below, { from: X32_BIT, leaf: kill }, last];
  if (x32 && !wide) return [{ from: 0, leaf: kill }, ...below, last];
  return [...below, last];
}

/** Equal values share one leaf object, so that neighbours can be merged by identity. */
function leafOf(value: number, leaves: Map<number, Leaf>): Leaf {
  const known = leaves.get(value);
  if (known) return known;
  const fresh: Leaf = { verdict: value, bits: 64 };
  leaves.set(value, fresh);
  return fresh;
}
