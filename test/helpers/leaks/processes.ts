/** What processes there are. Comes in: the test's folders. Goes out: the test's processes by pid and start time. Called by the oracle. */
import { readFileSync, readdirSync } from 'node:fs';
import type { Scope, Things } from './oracle.js';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** Clock ticks since boot: with the pid, a name that is never used twice. */
  readonly startTime: string;
  readonly command: string;
  /** Processor time so far, in clock ticks. */
  readonly ticks: number;
}

export function processes(scope: Scope): Things {
  return new Map(ownProcesses(scope).map((entry) => [`${entry.pid}@${entry.startTime}`, `${entry.state} child of ${entry.parent}: ${entry.command}`]));
}

/**
 * The test's own: whatever descends from this process, whatever names one of the test's folders on its command line (an
 * executor and its monitors do, also when their parent has died), and whatever descends from those.
 */
export function ownProcesses(scope: Scope): ProcessEntry[] {
  const all = allProcesses();
  const own = new Set<number>([process.pid]);
  for (const { pid, command } of all) if (scope.folders.some((folder) => command.includes(folder))) own.add(pid);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all) {
      if (own.has(parent) && !own.has(pid)) {
        own.add(pid);
        grown = true;
      }
    }
  }
  own.delete(process.pid);
  return all.filter(({ pid }) => own.has(pid));
}

export function allProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));
}

/** A list of one, or of none when it ended while we looked. */
export function readProcess(pid: number): ProcessEntry[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const name = stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1);
    return [{ pid, state: fields[0] ?? '?', parent: Number(fields[1]), startTime: fields[19] ?? '', command: command || name, ticks: Number(fields[11]) + Number(fields[12]) }];
  } catch {
    return [];
  }
}
