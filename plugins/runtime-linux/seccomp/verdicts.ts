/**
 * An OCI profile in, one verdict per system call number of an architecture out. Called by `compile.ts`.
 *
 * Where rules meet, they mean what they mean to libseccomp: a rule without arguments beats those with arguments, the first of
 * two such rules counts, names the architecture does not have are passed over, and an argument named twice in one rule means
 * "either".
 */
import type { Oci } from '@core/core/plugin';
import { permits, RET_ENOSYS, returnValue } from './actions.js';
import type { Arch } from './tables.js';

export type Comparison = NonNullable<Oci.SeccompRule['args']>[number];

export interface Conditional {
  /** All must hold. */
  readonly args: readonly Comparison[];
  readonly value: number;
}

/** A fixed return value, or rules tried in turn and what holds when none of them does. */
export type Verdict = number | { readonly rules: readonly Conditional[]; readonly otherwise: number };

export interface Verdicts {
  readonly byNumber: ReadonlyMap<number, Verdict>;
  readonly otherwise: number;
  /** What numbers above every one of the profile get: they are of kernels younger than the profile. */
  readonly newer: number;
}

export function verdicts(profile: Oci.Seccomp, arch: Arch): Verdicts {
  const otherwise = returnValue(profile.defaultAction, profile.defaultErrnoRet);
  const byNumber = new Map<number, Verdict>();
  for (const rule of profile.syscalls ?? []) {
    const value = returnValue(rule.action, rule.errnoRet);
    if (value === otherwise) continue;
    const alternatives = split(rule.args ?? []);
    for (const name of rule.names) {
      const number = arch.syscalls.get(name);
      if (number !== undefined) byNumber.set(number, join(byNumber.get(number), { value, alternatives, otherwise }));
    }
  }
  return { byNumber, otherwise, newer: permits(profile.defaultAction) ? otherwise : RET_ENOSYS };
}

interface Addition {
  readonly value: number;
  readonly alternatives: readonly (readonly Comparison[])[];
  readonly otherwise: number;
}

function join(before: Verdict | undefined, { value, alternatives, otherwise }: Addition): Verdict {
  if (typeof before === 'number') return before;
  if (alternatives.length === 0) return value;
  const added = alternatives.map((args): Conditional => ({ args, value }));
  return { rules: [...(before?.rules ?? []), ...added], otherwise };
}

function split(args: readonly Comparison[]): readonly (readonly Comparison[])[] {
  if (args.length === 0) return [];
  const indexes = new Set(args.map((arg) => arg.index));
  return indexes.size === args.length ? [args] : args.map((arg) => [arg]);
}
