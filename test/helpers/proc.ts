/** What the machine's /proc says of a process. Comes in: a host pid. Goes out: single facts, as the kernel writes them. Called by the tests that look at a container from outside. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A field of /proc/PID/status, e.g. `CapEff`. */
export function statusField(pid: number | 'self', field: string): string {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').find((row) => row.startsWith(`${field}:`));
  return line?.slice(field.length + 1).trim().replaceAll('\t', ' ') ?? '';
}

export function namespaceOf(pid: number | 'self', type: string): string {
  return readlinkSync(`/proc/${pid}/ns/${type}`);
}

export function commandOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** Pids of those one of whose words fits. */
export function processesWith(fits: (word: string) => boolean): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => wordsOf(pid).some(fits));
}

/** None of a process that has ended. */
export function wordsOf(pid: number): string[] {
  try {
    return commandOf(pid);
  } catch {
    return [];
  }
}

export function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').slice(0, -1);
}

/** Soft and hard limit, e.g. of `Max open files`. */
export function limitOf(pid: number, name: string): string[] {
  const line = readFileSync(`/proc/${pid}/limits`, 'utf8').split('\n').find((row) => row.startsWith(name));
  return line?.slice(name.length).trim().split(/\s+/).slice(0, 2) ?? [];
}

export interface MountSeen {
  readonly point: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly superOptions: readonly string[];
  readonly propagation: readonly string[];
}

/** The mounts of the namespace of a process, the last on each point. */
export function mountsOf(pid: number): Map<string, MountSeen> {
  const found = new Map<string, MountSeen>();
  for (const line of readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trimEnd().split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , , point = '', options = '', ...propagation] = left.split(' ');
    const [type = '', , superOptions = ''] = right.split(' ');
    found.set(point, { point, type, options: options.split(','), superOptions: superOptions.split(','), propagation });
  }
  return found;
}
