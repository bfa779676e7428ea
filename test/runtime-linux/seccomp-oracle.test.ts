/** Our compiler against libseccomp: both programs are run over every number and thousands of argument samples. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Oci } from '@core/core/plugin';
import test from 'ava';
import { compileSeccomp, seccompCode } from '#runtime-linux/seccomp/compile.js';
import { defaultProfile } from '#runtime-linux/seccomp/profile.js';
import { arch, X32_BIT } from '#runtime-linux/seccomp/tables.js';
import { declareUnless } from '../helpers/declare.js';
import { evaluate } from './helpers/bpf.js';
import { makeOracle } from './helpers/seccomp-oracle.js';

const folder = mkdtempSync(join(tmpdir(), 'seccomp-oracle-'));
const oracle = makeOracle(folder);
const run = declareUnless(typeof oracle === 'string' ? oracle : undefined);
test.after.always(() => rmSync(folder, { recursive: true }));

const ENOSYS = 0x00050000 | 38;
const allow = (names: string[], args?: NonNullable<Oci.SeccompRule['args']>): Oci.SeccompRule => ({ names, action: 'SCMP_ACT_ALLOW', ...(args && { args }) });
/** libseccomp filters the sub-calls of these where a profile names `bind` or `semop`; to us a name is its own number alone. */
const X86 = 0x40000003;
const MULTIPLEXERS = new Set([102, 117]); // socketcall, ipc
const BIG = 0x1_0000_0005;

const profiles: Record<string, Oci.Seccomp> = {
  'the default profile': defaultProfile([]),
  'the default profile with CAP_SYS_ADMIN': defaultProfile(['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_BPF']),
  'the default profile of arm64': defaultProfile(['CAP_SYS_CHROOT'], 'arm64'),
  'a denylist': { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], syscalls: [{ names: ['mount', 'umount2', 'bpf'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }, { names: ['kexec_load'], action: 'SCMP_ACT_KILL_PROCESS' }] },
  'all three ABIs of x86': { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], syscalls: [allow(['read', 'write', 'exit_group', 'socketcall']), { names: ['ptrace'], action: 'SCMP_ACT_TRAP' }] },
  'every action': {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    architectures: ['SCMP_ARCH_AARCH64'],
    syscalls: [allow(['read']), { names: ['write'], action: 'SCMP_ACT_LOG' }, { names: ['openat'], action: 'SCMP_ACT_TRACE', errnoRet: 7 }, { names: ['close'], action: 'SCMP_ACT_TRAP' }, { names: ['dup'], action: 'SCMP_ACT_KILL_THREAD' }, { names: ['dup3'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
  },
  'names no kernel has': { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls: [allow(['read', 'no_such_call', 'write'])] },
  'an unconditional rule over a conditional one': { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls: [allow(['kill'], [{ index: 0, value: 5, op: 'SCMP_CMP_EQ' }]), allow(['kill'])] },
  ...Object.fromEntries(
    (['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT'] as const).flatMap((op) =>
      [0, 5, 0xffffffff, 0x1_0000_0000, BIG].map((value): [string, Oci.Seccomp] => [
        `${op} ${value}`,
        { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'], syscalls: [allow(['kill'], [{ index: 1, value, op }])] },
      ]),
    ),
  ),
  'a mask over both halves': { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls: [allow(['kill'], [{ index: 0, value: 0xf_0000_000f, valueTwo: 0x3_0000_0005, op: 'SCMP_CMP_MASKED_EQ' }])] },
  'two arguments at once': { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls: [allow(['kill'], [{ index: 0, value: 5, op: 'SCMP_CMP_GE' }, { index: 2, value: BIG, op: 'SCMP_CMP_NE' }])] },
};

for (const [name, profile] of Object.entries(profiles)) {
  run(`${name}: as libseccomp has it`, (t) => {
    if (typeof oracle === 'string') return t.fail(`cannot run here: ${oracle}`);
    const common = oracle.restrict(profile);
    const ours = seccompCode(common);
    const theirs = oracle.compile(common);
    const youngest = newest(common);
    let compared = 0;
    for (const data of samples(profile)) {
      const expected = evaluate(theirs, data).value;
      const actual = evaluate(ours, data).value;
      compared += 1;
      // A number above all of the profile's: ours answers ENOSYS where libseccomp gives the default.
      if (actual === ENOSYS && data.nr > (youngest.get(`${data.arch} ${data.nr >= X32_BIT}`) ?? 0)) continue;
      if (data.arch === X86 && MULTIPLEXERS.has(data.nr)) continue;
      if (actual !== expected) return t.fail(`nr ${data.nr} arch ${data.arch.toString(16)} args ${data.args.join(' ')}: ${actual.toString(16)}, libseccomp ${expected.toString(16)}`);
    }
    const depth = Math.max(...[...samples(profile)].map((data) => evaluate(ours, data).steps));
    t.log(`${compared} samples; ${ours.length} instructions against ${theirs.length / 8}; at most ${depth} executed`);
    t.true(compared >= 600);
    t.true(depth < 64);
    t.true(compileSeccomp(profile).length >= ours.length * 8);
  });
}

function* samples(profile: Oci.Seccomp): Generator<{ nr: number; arch: number; args: bigint[] }> {
  const values = [0n, 1n, 2n, 5n, 8n, 12n, 38n, 40n, 45n, 46n, 0x20000n, 0x7e020000n, 0x10000000n, 0xffffffffn, 0x1_0000_0000n, 0x1_0000_0004n, 0x1_0000_0005n, 0x1_0000_0006n, 0x2_0000_0000n, 0x3_0000_0005n, 0x13_0000_0005n, 0xffff_ffff_ffff_ffffn];
  const conditional = new Set((profile.syscalls ?? []).filter((rule) => rule.args?.length).flatMap((rule) => rule.names));
  for (const name of profile.architectures ?? []) {
    const known = arch(name);
    if (!known) continue;
    for (let nr = 0; nr < 600; nr += 1) yield { nr: nr + known.base, arch: known.audit, args: [0n, 0n, 0n, 0n, 0n, 0n] };
    for (const nr of [0xf0000, 0xf0001, 0xf0005, 0xf0006, 0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff, 0xfffffffe, 0xffffffff]) yield { nr, arch: known.audit, args: [0n, 0n, 0n, 0n, 0n, 0n] };
    for (const call of conditional) {
      const nr = known.syscalls.get(call);
      if (nr === undefined) continue;
      for (const a of values) for (const b of values) yield { nr, arch: known.audit, args: [a, b, a ^ b, b, a, b] };
    }
  }
  for (let nr = 0; nr < 50; nr += 1) yield { nr, arch: 0x12345678, args: [0n, 0n, 0n, 0n, 0n, 0n] };
}

/** The highest number the profile names, by AUDIT_ARCH and x32 bit, the private ones of arm left out. */
function newest(profile: Oci.Seccomp): Map<string, number> {
  const highest = new Map<string, number>();
  for (const name of profile.architectures ?? []) {
    const known = arch(name);
    if (!known) continue;
    for (const call of (profile.syscalls ?? []).flatMap((rule) => rule.names)) {
      const number = known.syscalls.get(call) ?? 0;
      if (number - known.base < 0xf0000) {
        const key = `${known.audit} ${number >= X32_BIT}`;
        highest.set(key, Math.max(highest.get(key) ?? 0, number));
      }
    }
  }
  return highest;
}
