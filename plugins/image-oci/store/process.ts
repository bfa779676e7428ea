/**
 * Names that say whose something is. Goes out: `PID-STARTTIME-N`, unique on the machine; and whether the process of such a name still lives. A pid alone
 * may be another's by now, so the start time (field 22 of /proc/PID/stat) goes with it.
 */
import { readFileSync } from 'node:fs';

let counter = 0;
let own: string | undefined;

export function uniqueName(): string {
  own ??= `${process.pid}-${startTime(process.pid) ?? 0}`;
  counter += 1;
  return `${own}-${counter}`;
}

/** Of anything that begins with such a name. What does not is nobody's. */
export function ownerLives(name: string): boolean {
  const [, pid, start] = /^(\d+)-(\d+)-/.exec(name) ?? [];
  return pid !== undefined && startTime(Number(pid)) === start;
}

function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name and may hold anything, blanks and brackets included.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
