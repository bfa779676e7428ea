/** What a container's groups say, seen from the machine. Comes in: a host pid. Goes out: folders and values of its groups, of whichever cgroup version holds the controller. Called by the tests of limits. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Group {
  readonly version: 1 | 2;
  readonly path: string;
}

/** The group of a process under one controller; a controller no v1 hierarchy has is the unified one's. */
export function groupOf(pid: number, controller: string): Group {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n').map((line) => line.split(':'));
  const v1 = lines.find(([, names = '']) => names.split(',').includes(controller));
  const [, , inside = ''] = v1 ?? lines.find(([number]) => number === '0') ?? [];
  return { version: v1 ? 1 : 2, path: join(mountOf(v1 ? controller : undefined), inside) };
}

/** A file of the group, trimmed. `names`: what it is called in version 1 and in version 2. */
export function groupValue(pid: number, controller: string, names: { readonly v1: string; readonly v2: string }): string {
  const { version, path } = groupOf(pid, controller);
  return readFileSync(join(path, version === 1 ? names.v1 : names.v2), 'utf8').trim();
}

export function hasController(controller: string): boolean {
  return versionOf(controller) !== undefined;
}

/** Which version holds the controller on this machine. */
export function versionOf(controller: string): 1 | 2 | undefined {
  const line = readFileSync('/proc/cgroups', 'utf8').split('\n').find((row) => row.startsWith(`${controller}\t`));
  if (line && Number(line.split('\t')[1]) > 0) return 1;
  const list = join(mountOf(undefined), 'cgroup.controllers');
  return existsSync(list) && readFileSync(list, 'utf8').trim().split(' ').includes(controller) ? 2 : undefined;
}

/** Shell text that prints a group file from inside, whatever the version. */
export function insideValue(controller: string, names: { readonly v1: string; readonly v2: string }): string {
  return versionOf(controller) === 2 ? `cat /sys/fs/cgroup/${names.v2}` : `cat /sys/fs/cgroup/${controller}/${names.v1}`;
}

function mountOf(controller: string | undefined): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, , options = ''] = right.split(' ');
    const found = controller === undefined ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    if (found) return left.split(' ')[4] ?? '';
  }
  return '/sys/fs/cgroup';
}
