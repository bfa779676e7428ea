/**
 * A container's groups in every hierarchy: made before the executor starts, taken away at `delete`. Called by `launch.ts`,
 * `kill.ts` and `delete.ts`. Callers of an OCI runtime look for the container in each of them, limits or not.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTROLLERS, otherHierarchies, type CgroupLayout } from '../cgroup/layout.js';
import { delegate, hierarchies, inheritCpuset } from '../cgroup/parents.js';
import type { Group } from '../plan/groups.js';
import { thawProcess } from './freezer.js';

export interface MadeGroups {
  /** The container's own folders, v2 first. */
  readonly groups: readonly string[];
  /** What was not there before, each before the one it is in. */
  readonly made: readonly string[];
}

export function makeGroups(layout: CgroupLayout, path: string): MadeGroups {
  const made: string[] = [];
  try {
    for (const mount of every(layout)) makeGroup(layout, { mount, path, made });
  } catch (thrown) {
    removeEmpty(made);
    throw thrown;
  }
  return { groups: every(layout).map((mount) => mount + path), made };
}

/** Those without limits too: a manager of services finds its containers by the hierarchy with its name. */
function every(layout: CgroupLayout): string[] {
  return [...hierarchies(layout), ...otherHierarchies(readText('/proc/self/mountinfo'))];
}

function makeGroup(layout: CgroupLayout, { mount, path, made }: { readonly mount: string; readonly path: string; readonly made: string[] }): void {
  let folder = mount;
  for (const step of path.split('/').slice(1)) {
    if (mount === layout.unified && layout.mode === 'v2') delegate(folder, layout);
    folder += `/${step}`;
    if (isFresh(folder)) made.unshift(folder);
    if (mount === layout.v1.cpuset) inheritCpuset(folder);
  }
}

function isFresh(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o755 });
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

/** The groups with limits come with what is written into them; the others are joined as they are. */
export function withEveryGroup(layout: CgroupLayout, { groups, path }: { readonly groups: readonly Group[]; readonly path: string }): Group[] {
  const known = new Set(groups.map(({ folder }) => folder));
  const rest = every(layout).filter((mount) => mount !== layout.unified && !known.has(mount + path));
  return [...groups, ...rest.map((mount) => ({ version: 1 as const, folder: mount + path, controllers: CONTROLLERS.filter((name) => layout.v1[name] === mount), writes: [] }))];
}

/** Those of groups below its own are among them. */
export function processesIn(folder: string): number[] {
  const own = readText(`${folder}/cgroup.procs`).split('\n').filter(Boolean).map(Number);
  return [...own, ...below(folder).flatMap(processesIn)];
}

/** The folder all its processes are found in: v2's, or any of v1's. */
export function memberFolder(groups: readonly string[]): string | undefined {
  return groups[0];
}

const KILL_TIMEOUT = 10_000;

/** Until nobody is left in it; the ways differ by version and kernel. What is frozen, by the container itself perhaps, cannot end. */
export async function killAll(folder: string): Promise<void> {
  const deadline = Date.now() + KILL_TIMEOUT;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const pids = processesIn(folder);
    if (pids.length === 0) return;
    if (Date.now() > deadline) throw new Error(`cannot empty the cgroup ${folder}: ${pids.length} processes do not end`);
    if (!wrote(`${folder}/cgroup.kill`, '1')) pids.forEach(kill);
    if (pause > SOON) pids.forEach(thawProcess);
    await sleep(pause);
  }
}

/** Ms in which what can end has ended. */
const SOON = 4;

function kill(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

const REMOVE_TIMEOUT = 5_000;

/** A group stays busy for a moment after its last process; groups the container made in its own go first. */
export async function removeGroups(groups: readonly string[], made: readonly string[]): Promise<void> {
  const deadline = Date.now() + REMOVE_TIMEOUT;
  const own = groups.filter((group) => made.includes(group));
  for (const group of own) {
    for (let pause = 1; !removeTree(group); pause = Math.min(pause * 2, 50)) {
      if (Date.now() > deadline) throw new Error(`cannot remove the cgroup ${group}: it is still in use`);
      await sleep(pause);
    }
  }
  removeEmpty(made);
}

function removeTree(folder: string): boolean {
  return [...below(folder).map(removeTree), true].every(Boolean) && removed(folder);
}

/** The container's siblings may be in them by now. */
export function removeEmpty(folders: readonly string[]): void {
  folders.forEach(removed);
}

function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`);
  } catch {
    return [];
  }
}

function wrote(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
