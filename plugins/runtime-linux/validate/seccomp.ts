/** `linux.seccomp` of a spec. Called by `validate/linux.ts`. */
import type { Oci } from '@core/core/plugin';
import { SECCOMP_FLAGS } from '../constants.js';
import type { Issues } from '../issues.js';
import { knownArchitectures } from '../seccomp/tables.js';
import { isCount } from './values.js';

const ACTIONS: readonly string[] = [
  'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY',
];
const OPERATORS: readonly string[] = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'];

/** Frozen profiles (our default ones) found sound before; they have hundreds of names. */
const sound = new WeakSet<Oci.Seccomp>();

export function checkSeccomp(profile: Oci.Seccomp, issues: Issues): void {
  if (sound.has(profile)) return;
  const before = issues.count;
  const path = 'spec.linux.seccomp';
  issues.expect(ACTIONS.includes(profile.defaultAction), `${path}.defaultAction`, `no action is called ${JSON.stringify(profile.defaultAction)}`);
  issues.expect(!profile.listenerPath, `${path}.listenerPath`, 'listeners are not supported');
  const archs = profile.architectures ?? [];
  issues.expect(archs.length === 0 || archs.some((name) => knownArchitectures.includes(name)), `${path}.architectures`, `names none of ${knownArchitectures.join(', ')}`);
  profile.flags?.forEach((flag, index) => issues.expect(flag in SECCOMP_FLAGS, `${path}.flags[${index}]`, `no flag is called ${JSON.stringify(flag)}, or it is not supported`));
  profile.syscalls?.forEach((rule, index) => checkRule(rule, { path: `${path}.syscalls[${index}]`, issues }));
  if (issues.count === before && Object.isFrozen(profile)) sound.add(profile);
}

function checkRule({ names, action, errnoRet, args = [] }: Oci.SeccompRule, { path, issues }: { readonly path: string; readonly issues: Issues }): void {
  issues.expect(Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string'), `${path}.names`, 'needs at least one name');
  issues.expect(ACTIONS.includes(action), `${path}.action`, `no action is called ${JSON.stringify(action)}`);
  issues.expect(errnoRet === undefined || (isCount(errnoRet) && errnoRet <= 0xffff), `${path}.errnoRet`, 'is between 0 and 65535');
  args.forEach((arg, index) => {
    issues.expect(isCount(arg.index) && arg.index <= 5, `${path}.args[${index}].index`, 'is between 0 and 5');
    issues.expect(OPERATORS.includes(arg.op), `${path}.args[${index}].op`, `no comparison is called ${JSON.stringify(arg.op)}`);
    issues.expect(isCount(arg.value), `${path}.args[${index}].value`, 'is a whole number that a double holds exactly');
    issues.expect(arg.valueTwo === undefined || isCount(arg.valueTwo), `${path}.args[${index}].valueTwo`, 'is a whole number that a double holds exactly');
  });
}
