/**
 * A process named so that a reused pid is not mistaken for it. Comes in: a pid. Goes out: an identity, or whether one still
 * lives. Called by the root's lock and by the sweep of private roots.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks between boot and start. */
  readonly startTime: number;
  /** Start times begin anew with every boot. */
  readonly bootId: string;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** This process. */
export function selfIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: readStat(process.pid)?.startTime ?? 0, bootId: bootId() };
}

/** Whether that very process still runs. A zombie counts as dead: it can hold nothing any more. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTime === identity.startTime && stat.state !== 'Z' && stat.state !== 'X';
}

export function bootId(): string {
  return readFileSync(BOOT_ID, 'utf8').trim();
}

function readStat(pid: number): { state: string; startTime: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command (field 2) may hold spaces and parentheses: count from behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: Number(fields[19]) };
}
