/**
 * The default seccomp profile: capabilities in, an OCI profile out. Called by the spec builder; as strict as moby's of 2026, and
 * in two points stricter: `socketcall` is out, because its family hides behind a pointer no filter can follow, and so is x32.
 */
import type { Oci } from '@core/core/plugin';
import { alwaysAllowed, byCapability, nativeOnly, personalities, socketFamilies } from './profile-data.js';

const ENOSYS = 38;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: no new namespaces without CAP_SYS_ADMIN. */
const NAMESPACE_FLAGS = 0x7e020000;

/** What a default profile was made from. */
export interface ProfileOrigin {
  readonly capabilities: readonly string[];
  readonly machine: string;
}

const built = new Map<string, Oci.Seccomp>();
const origins = new WeakMap<Oci.Seccomp, ProfileOrigin>();

/** `capabilities` is the bounding set of the container. One frozen object per set, so that compiled programs are found by identity. */
export function defaultProfile(capabilities: readonly string[], machine: string = process.arch): Oci.Seccomp {
  const relevant = Object.keys(byCapability).filter((name) => capabilities.includes(name));
  const key = `${machine} ${relevant.join(' ')}`;
  const known = built.get(key);
  if (known) return known;
  const fresh = deepFreeze(build(relevant, machine));
  built.set(key, fresh);
  origins.set(fresh, { capabilities: relevant, machine });
  return fresh;
}

/** `undefined` for a profile of the user's own. */
export function originOf(profile: Oci.Seccomp): ProfileOrigin | undefined {
  return origins.get(profile);
}

function build(capabilities: readonly string[], machine: string): Oci.Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: machine === 'arm64' ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    syscalls: [
      allow([...alwaysAllowed, ...(nativeOnly[machine] ?? []), ...capabilities.flatMap((name) => byCapability[name] ?? [])]),
      ...socketFamilies.map(({ op, family }) => allow(['socket'], [{ index: 0, value: family, op }])),
      ...personalities.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : withoutAdmin()),
    ],
  };
}

/** glibc falls back from clone3, whose flags are behind a pointer, to clone, whose flags can be tested, when it hears ENOSYS. */
function withoutAdmin(): Oci.SeccompRule[] {
  return [
    allow(['clone'], [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function allow(names: readonly string[], args?: NonNullable<Oci.SeccompRule['args']>): Oci.SeccompRule {
  return { names: [...names], action: 'SCMP_ACT_ALLOW', ...(args && { args }) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
