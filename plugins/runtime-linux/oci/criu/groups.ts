/** A restored container's groups. Comes in: the machine's layout, the container's path and limits. Goes out: limits in force, and arguments for CRIU. Called by `restore.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Oci } from '@core/core/plugin';
import type { CgroupLayout } from '../../cgroup/layout.js';
import { allowsEveryDevice, containerGroups } from '../../plan/groups.js';
import type { HostFacts } from '../../plan/input.js';
import { OciFailure } from '../failure.js';
import { processesIn } from '../groups.js';
import type { ContainerRecord } from '../state.js';

/** In v2 they are a program that an executor loads and CRIU does not bring back: without it a container would have every device. */
export function checkDeviceRules({ linux }: Oci.Spec, { cgroups }: HostFacts): void {
  if (cgroups.v1.devices !== undefined || allowsEveryDevice(linux?.resources ?? {})) return;
  throw new OciFailure('cannot restore: this machine has no devices controller of cgroup v1, and device rules of v2 cannot be brought back');
}

/** The groups are there, with nobody in them. */
export function limit(layout: CgroupLayout, { path, resources }: { readonly path: string; readonly resources: Oci.Resources }): void {
  for (const { folder, writes } of containerGroups(layout, { path, resources })) {
    for (const { file, value, optional } of writes) write(`${folder}/${file}`, value, optional ?? false);
  }
}

function write(path: string, value: string, optional: boolean): void {
  try {
    writeFileSync(path, value, { flag: 'r+' });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (!optional || code !== 'ENOENT') throw new OciFailure(`cannot set the limits: ${message}`);
  }
}

/** `own` is /proc/self/cgroup: it has each hierarchy under the name that CRIU knows it by. */
export function cgroupRoots({ own, path }: { readonly own: string; readonly path: string }): { readonly controllers: string; readonly path: string }[] {
  return [...own.matchAll(/^[0-9]+:([^:]*):/gm)].map(([, controllers = '']) => ({ controllers, path }));
}

/** With the modes in which CRIU cares for no group they are still in its own. Until nobody is left outside: each may fork meanwhile. */
export function bringIn({ pid, groups }: ContainerRecord): void {
  for (const group of groups) {
    for (const moved = new Set<number>(); ; ) {
      const inside = new Set(processesIn(group));
      const outside = tree(pid).filter((each) => !inside.has(each) && !moved.has(each));
      if (outside.length === 0) break;
      for (const each of outside) {
        moved.add(each);
        write(`${group}/cgroup.procs`, String(each), true);
      }
    }
  }
}

function tree(pid: number): number[] {
  const threads = names(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => text(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number));
  return [pid, ...children.flatMap(tree)];
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
