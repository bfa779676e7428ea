/** Scheduler, io priority, cpus, personality and memory policy of a spec. Called by `validate/process.ts`. */
import type { Oci } from '@core/core/plugin';
import { IOPRIO, MPOL, MPOL_FLAGS, PERSONALITIES, SCHED, SCHED_FLAGS } from '../constants.js';
import type { Issues } from '../issues.js';
import { listed } from '../plan/tuning.js';
import { isCount } from './values.js';

export function checkTuning({ process, linux = {} }: Oci.Spec, issues: Issues): void {
  const { scheduler, ioPriority, execCPUAffinity = {}, commandLine } = process as Oci.Process;
  issues.expect(!commandLine, 'spec.process.commandLine', 'is for Windows; give args');
  if (scheduler) checkScheduler(scheduler, { path: 'spec.process.scheduler', issues });
  if (ioPriority) {
    issues.expect(Object.hasOwn(IOPRIO, ioPriority.class), 'spec.process.ioPriority.class', `is one of ${Object.keys(IOPRIO).join(', ')}`);
    const { priority = 0 } = ioPriority;
    issues.expect(isCount(priority) && priority <= 7, 'spec.process.ioPriority.priority', 'is between 0 and 7');
  }
  for (const [key, list] of Object.entries(execCPUAffinity)) {
    if (list) issues.expect(listed(list) !== undefined, `spec.process.execCPUAffinity.${key}`, 'is a list such as "0-2,4"');
  }
  if (linux.personality) {
    issues.expect(Object.hasOwn(PERSONALITIES, linux.personality.domain), 'spec.linux.personality.domain', 'is LINUX or LINUX32');
    issues.expect((linux.personality.flags ?? []).length === 0, 'spec.linux.personality.flags', 'there are no flags in this version of the specification');
  }
  if (linux.memoryPolicy) checkMemoryPolicy(linux.memoryPolicy, { path: 'spec.linux.memoryPolicy', issues });
}

interface Where {
  readonly path: string;
  readonly issues: Issues;
}

const isI32 = (value: number): boolean => Number.isInteger(value) && Math.abs(value) <= 0x7fffffff;

function checkScheduler({ policy, nice = 0, priority = 0, flags = [], ...times }: Oci.Scheduler, { path, issues }: Where): void {
  issues.expect(Object.hasOwn(SCHED, policy), `${path}.policy`, `is one of ${Object.keys(SCHED).join(', ')}`);
  issues.expect(isI32(nice) && nice >= -20 && nice <= 19, `${path}.nice`, 'is between -20 and 19');
  const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  issues.expect(isCount(priority) && (realtime ? priority >= 1 && priority <= 99 : priority === 0), `${path}.priority`, 'is between 1 and 99 for SCHED_FIFO and SCHED_RR, and 0 for the others');
  flags.forEach((flag, index) => issues.expect(Object.hasOwn(SCHED_FLAGS, flag), `${path}.flags[${index}]`, `no flag is called ${JSON.stringify(flag)}`));
  for (const key of ['runtime', 'deadline', 'period'] as const) {
    issues.expect(times[key] === undefined || isCount(times[key]), `${path}.${key}`, 'is a number of nanoseconds');
    issues.expect(!times[key] || policy === 'SCHED_DEADLINE', `${path}.${key}`, 'is for SCHED_DEADLINE');
  }
  if (policy === 'SCHED_DEADLINE') checkDeadline(times, { path, issues });
}

/** As sched(7) has it; a period that is not given is the deadline. */
function checkDeadline({ runtime = 0, deadline = 0, period = 0 }: Pick<Oci.Scheduler, 'runtime' | 'deadline' | 'period'>, { path, issues }: Where): void {
  issues.expect(runtime > 0, `${path}.runtime`, 'must be above 0 with SCHED_DEADLINE');
  issues.expect(deadline >= runtime && deadline > 0, `${path}.deadline`, 'must be above 0 with SCHED_DEADLINE, and not below runtime');
  issues.expect(period === 0 || period >= deadline, `${path}.period`, 'must not be below deadline');
}

function checkMemoryPolicy({ mode, nodes = '', flags = [] }: Oci.MemoryPolicy, { path, issues }: Where): void {
  if (!issues.expect(Object.hasOwn(MPOL, mode), `${path}.mode`, `is one of ${Object.keys(MPOL).join(', ')}`)) return;
  flags.forEach((flag, index) => issues.expect(Object.hasOwn(MPOL_FLAGS, flag), `${path}.flags[${index}]`, `no flag is called ${JSON.stringify(flag)}`));
  issues.expect(nodes === '' || listed(nodes) !== undefined, `${path}.nodes`, 'is a list such as "0-2,4"');
  if (mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') issues.expect(nodes === '', `${path}.nodes`, `${mode} takes none`);
  else issues.expect(nodes !== '' || mode === 'MPOL_PREFERRED', `${path}.nodes`, `${mode} takes at least one`);
}
