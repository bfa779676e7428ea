/** All checks, in the order they are shown. Comes in: a machine. Goes out: what was found. Nothing on it is changed. */
import { toCoreError } from '../../errors/index.js';
import { cgroupChecks } from './cgroups.js';
import type { Check, Finding } from './check.js';
import { kernelChecks } from './kernel.js';
import { limitChecks } from './limits.js';
import type { Machine } from './machine.js';
import { programChecks } from './program.js';
import { storageChecks } from './storage.js';

export const checks: readonly Check[] = [...programChecks, ...kernelChecks, ...cgroupChecks, ...storageChecks, ...limitChecks];

export type Examined = Finding & Pick<Check, 'name' | 'group'>;

export function examine(machine: Machine): Promise<Examined[]> {
  return Promise.all(checks.map(async (check) => ({ group: check.group, name: check.name, ...(await runCheck(check, machine)) })));
}

/** A check that fails itself must not hide the others. */
async function runCheck(check: Check, machine: Machine): Promise<Finding> {
  try {
    return await check.run(machine);
  } catch (error) {
    return { status: 'limited', found: `could not be checked: ${toCoreError(error).message}`, cost: 'It may be missing.', mend: 'Look at the message.' };
  }
}

export { openMachine } from './machine.js';
