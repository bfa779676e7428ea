/** What a check is, and what it finds. Read by `doctor.ts`; the checks themselves are in the other files of this folder. */
import type { Machine } from './machine.js';

/** `failed`: nothing runs without it. `limited`: something cannot be used. */
export type Status = 'ok' | 'limited' | 'failed';

export interface Finding {
  readonly status: Status;
  /** What there is, in a few words. */
  readonly found: string;
  /** What its lack costs. */
  readonly cost?: string | undefined;
  /** What to do about it. */
  readonly mend?: string | undefined;
}

export interface Check {
  readonly name: string;
  readonly group: 'program' | 'kernel' | 'cgroups' | 'storage' | 'limits';
  run(machine: Machine): Promise<Finding>;
}

export function ok(found: string): Finding {
  return { status: 'ok', found };
}

export function limited(found: string, { cost, mend }: { cost: string; mend: string }): Finding {
  return { status: 'limited', found, cost, mend };
}

export function failed(found: string, { cost, mend }: { cost: string; mend: string }): Finding {
  return { status: 'failed', found, cost, mend };
}
