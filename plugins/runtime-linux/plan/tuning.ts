/** Scheduler, io priority, cpus, memory policy, personality and security labels of a process. Called by `process.ts`, for execs too. */
import type { Oci } from '@core/core/plugin';
import { IOPRIO, MPOL, MPOL_FLAGS, PERSONALITIES, SCHED, SCHED_FLAGS } from '../constants.js';
import type { ProcessStep } from '../protocol.js';

/** Before the user changes: most of it takes capabilities. */
export function tuningSteps(process: Oci.Process, { personality, memoryPolicy }: Pick<Oci.Linux, 'personality' | 'memoryPolicy'> = {}): ProcessStep[] {
  const { scheduler, ioPriority } = process;
  return [
    ...(personality ? [['personality', PERSONALITIES[personality.domain] ?? 0] as const] : []),
    ...(scheduler ? [schedulerStep(scheduler)] : []),
    ...(ioPriority ? [['ioprio', IOPRIO[ioPriority.class] ?? 0, ioPriority.priority ?? 0] as const] : []),
    ...(memoryPolicy ? [memoryStep(memoryPolicy)] : []),
    ...labelSteps(process),
  ];
}

function schedulerStep({ policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 }: Oci.Scheduler): ProcessStep {
  return ['scheduler', SCHED[policy] ?? 0, bitsOf(flags, SCHED_FLAGS), nice, priority, BigInt(runtime), BigInt(deadline), BigInt(period)];
}

function memoryStep({ mode, nodes = '', flags = [] }: Oci.MemoryPolicy): ProcessStep {
  return ['mempolicy', (MPOL[mode] ?? 0) | bitsOf(flags, MPOL_FLAGS), nodes === '' ? new Uint8Array() : maskOf(nodes)];
}

/** For what is executed next; `unconfined` is what a process is anyway, and goes without AppArmor too. */
function labelSteps({ apparmorProfile, selinuxLabel }: Oci.Process): ProcessStep[] {
  return [
    ...(apparmorProfile && apparmorProfile !== 'unconfined' ? [['attribute', 'apparmor/exec', `exec ${apparmorProfile}`] as const] : []),
    ...(selinuxLabel ? [['attribute', 'exec', selinuxLabel] as const] : []),
  ];
}

function bitsOf(names: readonly string[], table: Readonly<Record<string, number>>): number {
  return names.reduce((all, name) => all | (table[name] ?? 0), 0);
}

/** The numbers of a list such as `0-2,7`; `undefined` for what is none, or names a number from `MAX_LISTED` up. */
export function listed(list: string): number[] | undefined {
  if (!/^[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*$/.test(list)) return undefined;
  const ranges = list.split(',').map((range) => range.split('-').map(Number));
  const sound = ranges.every(([from = 0, to = from]) => from <= to && to < MAX_LISTED);
  return sound ? ranges.flatMap(([from = 0, to = from]) => Array.from({ length: to - from + 1 }, (_, index) => from + index)) : undefined;
}

/** More cpus and nodes than any kernel is built for. */
const MAX_LISTED = 8192;

/** As the kernel's bit masks are: words of 64 bits, little-endian. */
export function maskOf(list: string): Uint8Array {
  const numbers = listed(list) ?? [];
  const bytes = new Uint8Array((Math.floor(Math.max(0, ...numbers) / 64) + 1) * 8);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] as number) | (1 << (number & 7));
  return bytes;
}
