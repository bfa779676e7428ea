/** `linux.seccomp` of a spec. Called by `validate/linux.ts`. */
import type { Oci } from '@core/core/plugin';
import { SECCOMP_FLAGS } from '../constants.js';
import type { Issues } from '../issues.js';
import { isClean } from '../spec/mounts.js';
import { isCount } from './values.js';

const ACTIONS: readonly string[] = [
  'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY',
];
const OPERATORS: readonly string[] = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'];

/** The specification's; those of other machines than this one's kind never occur here and are passed over. */
const ARCHITECTURES: ReadonlySet<string> = new Set(
  ['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'S390', 'S390X',
    'PARISC', 'PARISC64', 'RISCV64', 'LOONGARCH64', 'M68K', 'SH', 'SHEB'].map((name) => `SCMP_ARCH_${name}`),
);

/** Frozen profiles (our default ones) found sound before; they have hundreds of names. */
const sound = new WeakSet<Oci.Seccomp>();

export function checkSeccomp(profile: Oci.Seccomp, issues: Issues): void {
  if (sound.has(profile)) return;
  const before = issues.count;
  const path = 'spec.linux.seccomp';
  issues.expect(ACTIONS.includes(profile.defaultAction), `${path}.defaultAction`, `no action is called ${JSON.stringify(profile.defaultAction)}`);
  issues.expect(!profile.listenerPath || isClean(profile.listenerPath), `${path}.listenerPath`, 'must be an absolute path');
  issues.expect(profile.defaultAction !== 'SCMP_ACT_NOTIFY', `${path}.defaultAction`, 'cannot be SCMP_ACT_NOTIFY: nothing could start');
  checkErrno(profile.defaultAction, { value: profile.defaultErrnoRet, path: `${path}.defaultErrnoRet`, issues });
  profile.architectures?.forEach((name, index) => issues.expect(ARCHITECTURES.has(name), `${path}.architectures[${index}]`, `no architecture is called ${JSON.stringify(name)}`));
  const notifies = profile.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? false;
  issues.expect(!notifies || Boolean(profile.listenerPath), `${path}.listenerPath`, 'is missing: somebody must listen to SCMP_ACT_NOTIFY');
  issues.expect(!profile.listenerMetadata || Boolean(profile.listenerPath), `${path}.listenerMetadata`, 'goes with a listenerPath');
  profile.flags?.forEach((flag, index) => issues.expect(flag in SECCOMP_FLAGS, `${path}.flags[${index}]`, `no flag is called ${JSON.stringify(flag)}, or it is not supported`));
  profile.syscalls?.forEach((rule, index) => checkRule(rule, { path: `${path}.syscalls[${index}]`, issues }));
  if (issues.count === before && Object.isFrozen(profile)) sound.add(profile);
}

function checkErrno(action: Oci.SeccompAction, { value, path, issues }: { readonly value: number | undefined; readonly path: string; readonly issues: Issues }): void {
  issues.expect(value === undefined || (isCount(value) && value <= 0xffff), path, 'is between 0 and 65535');
  issues.expect(value === undefined || action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE', path, `${action} has no errno`);
}

function checkRule({ names, action, errnoRet, args = [] }: Oci.SeccompRule, { path, issues }: { readonly path: string; readonly issues: Issues }): void {
  issues.expect(Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string'), `${path}.names`, 'needs at least one name');
  issues.expect(ACTIONS.includes(action), `${path}.action`, `no action is called ${JSON.stringify(action)}`);
  checkErrno(action, { value: errnoRet, path: `${path}.errnoRet`, issues });
  issues.expect(action !== 'SCMP_ACT_NOTIFY' || !names?.includes('write'), `${path}.names`, 'holds "write", which whoever waits for an answer may need');
  args.forEach((arg, index) => {
    issues.expect(isCount(arg.index) && arg.index <= 5, `${path}.args[${index}].index`, 'is between 0 and 5');
    issues.expect(OPERATORS.includes(arg.op), `${path}.args[${index}].op`, `no comparison is called ${JSON.stringify(arg.op)}`);
    issues.expect(isCount(arg.value), `${path}.args[${index}].value`, 'is a whole number that a double holds exactly');
    issues.expect(arg.valueTwo === undefined || isCount(arg.valueTwo), `${path}.args[${index}].valueTwo`, 'is a whole number that a double holds exactly');
  });
}
