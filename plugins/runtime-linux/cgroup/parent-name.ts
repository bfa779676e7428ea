/**
 * What the group above a driver's containers is called, and what becomes of those whose owner died. Called by `driver.ts`.
 *
 * A root that lasts has a name made of itself, so that its next kernel finds the group again. One held by lease has a name
 * with its process in it, so that anybody can tell a dead one; it is kept in the run folder for a driver that comes back.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { CgroupLayout } from './layout.js';
import { hierarchies } from './parents.js';

export interface ParentOptions {
  /** The group above those of all drivers: `/core`. */
  readonly above: string;
  readonly root: string;
  readonly runRoot: string;
  readonly lease: boolean;
}

/** Absolute in cgroup terms. Synchronous: boot only. */
export function parentName({ above, root, runRoot, lease }: ParentOptions): string {
  const key = createHash('sha256').update(root).digest('hex').slice(0, 12);
  if (!lease) return `${above}/${key}`;
  const memory = `${runRoot}/group`;
  const known = readOptional(memory);
  if (known?.startsWith(`${above}/${key}-`)) return known;
  const fresh = `${above}/${key}-${process.pid}-${startTime(process.pid) ?? 0}`;
  writeFileSync(memory, fresh, { mode: 0o600 });
  return fresh;
}

const LEASED = /^[0-9a-f]{12}-([0-9]+)-([0-9]+)(?:\.own)?$/;

/** Takes away the groups of leases whose process is gone. Those with a process in them refuse, and are left to their executor. */
export function sweepParents(layout: CgroupLayout, above: string): void {
  for (const mount of hierarchies(layout)) {
    for (const name of subfolders(mount + above)) {
      const [, pid, start] = LEASED.exec(name) ?? [];
      if (pid !== undefined && startTime(Number(pid)) !== Number(start)) removeTree(`${mount}${above}/${name}`);
    }
  }
}

function removeTree(folder: string): void {
  for (const name of subfolders(folder)) removeTree(`${folder}/${name}`);
  try {
    rmdirSync(folder);
  } catch {
    // Still in use, or gone already.
  }
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets. */
function startTime(pid: number): number | undefined {
  const stat = readOptional(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
