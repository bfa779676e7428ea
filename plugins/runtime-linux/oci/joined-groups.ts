/** The groups a further process of a container joins. Comes in: its record. Goes out: a part of the plan of an exec. Called by `exec.ts` and `../foreign/exec.ts`. */
import { existsSync, readFileSync } from 'node:fs';
import { normalize } from 'node:path';
import { OciFailure } from './failure.js';
import type { ContainerRecord } from './state.js';

export interface JoinedGroups {
  readonly cgroup?: string;
  readonly tasks: readonly string[];
}

/** In v1 by `tasks`. In v2 where the first process is: a container that has groups of its own below may have left the upper one. */
export function joinedGroups({ groups, cgroup, pid }: ContainerRecord, wanted: string | undefined): JoinedGroups {
  if (wanted?.split('/').includes('..')) throw new OciFailure(`invalid cgroup ${JSON.stringify(wanted)}: it must not hold ".."`, 255);
  const below = wanted === undefined ? '' : normalize(`/${wanted}`).replace(/\/$/, '');
  const tasks = groups.map((group) => `${group}${below}/tasks`).filter((file) => existsSync(file));
  const unified = groups.find((group) => existsSync(`${group}/cgroup.type`));
  if (unified === undefined) return { tasks };
  if (wanted !== undefined) return existsSync(unified + below) || tasks.length === 0 ? { cgroup: unified + below, tasks } : { cgroup: unified, tasks };
  const own = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? cgroup;
  return { cgroup: own.startsWith(`${cgroup}/`) ? unified + own.slice(cgroup.length) : unified, tasks };
}
