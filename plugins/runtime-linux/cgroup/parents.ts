/** The groups above the containers' own: made when the driver is, taken away when it closes. Called by `driver.ts`. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { CONTROLLERS, RARE, type CgroupLayout } from './layout.js';
import type { LimitWrite } from './limits.js';

/**
 * `path` is absolute in cgroup terms. Synchronous: boot only. Answers with the layout as the groups below `path` have it: v2 hands
 * no controller on from a group with processes of its own, and those of others are not ours to move.
 */
export function makeParents(layout: CgroupLayout, path: string): CgroupLayout {
  for (const mount of hierarchies(layout).filter((place) => !isRare(layout, place))) {
    let folder = mount;
    for (const step of path.split('/').slice(1)) {
      // On hybrid machines nothing is switched on that no container asks for (see `plan/cgroup.ts`).
      if (mount === layout.unified && layout.mode === 'v2') delegate(folder, layout);
      folder += `/${step}`;
      mkdirSync(folder, { recursive: true });
      if (mount === layout.v1.cpuset) inheritCpuset(folder);
    }
    if (mount === layout.unified && layout.mode === 'v2') delegate(folder, layout);
  }
  return layout.mode === 'v2' ? handedDown(layout, path) : layout;
}

/**
 * Gives the group the device rules of most containers and makes the one beside it for the others (see
 * `CgroupLayout.devicesParent`). Answers with the layout that says so; on v2 alone there is nothing to gain.
 */
export function prepareDevices(layout: CgroupLayout, { path, rules }: { readonly path: string; readonly rules: readonly LimitWrite[] }): CgroupLayout {
  const { devices } = layout.v1;
  if (devices === undefined) return layout;
  // Rules can only be narrowed while nothing is below; a former kernel of the same root has written them.
  if (readFileSync(`${devices}${path}/devices.list`, 'utf8').startsWith('a ') && !narrowed(devices + path, rules)) return layout;
  mkdirSync(`${devices}${path}.own`, { recursive: true });
  return { ...layout, devicesParent: path };
}

/** False when somebody else, a caller of `core-oci` perhaps, has put a group of his own below. */
function narrowed(folder: string, rules: readonly LimitWrite[]): boolean {
  try {
    for (const { file, value } of rules) writeFileSync(`${folder}/${file}`, value);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EINVAL') return false;
    throw thrown;
  }
}

/** Those that are empty; others are somebody's still. */
export function removeParents(layout: CgroupLayout, path: string): void {
  for (const folder of parentFolders(layout, path)) removeEmpty(folder);
}

/** The folders `makeParents` and `prepareDevices` made, each before the one it is in. */
export function parentFolders(layout: CgroupLayout, path: string): string[] {
  const own = layout.devicesParent === undefined ? [] : [`${layout.v1.devices}${path}.own`];
  const steps = path.split('/').slice(1);
  const upwards = steps.map((_, index) => `/${steps.slice(0, steps.length - index).join('/')}`);
  return [...own, ...hierarchies(layout).flatMap((mount) => upwards.map((part) => mount + part))];
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Still in use, or gone already.
  }
}

export function hierarchies({ unified, v1 }: CgroupLayout): string[] {
  const mounts = CONTROLLERS.map((name) => v1[name]).filter((mount) => mount !== undefined);
  return [...new Set([...(unified === undefined ? [] : [unified]), ...mounts])];
}

/** Whether a v1 hierarchy has none but rare controllers. */
function isRare({ v1 }: Pick<CgroupLayout, 'v1'>, mount: string): boolean {
  const controllers = CONTROLLERS.filter((name) => v1[name] === mount);
  return controllers.length > 0 && controllers.every((name) => RARE.has(name));
}

/** Named by the first group on the way down that keeps something for itself. */
function handedDown(layout: CgroupLayout, path: string): CgroupLayout {
  let folder = layout.unified as string;
  for (const step of ['', ...path.split('/').slice(1)]) {
    if (step !== '') folder += `/${step}`;
    const handed = readFileSync(`${folder}/cgroup.subtree_control`, 'utf8').trim().split(' ').map(ownName);
    const controllers = layout.unifiedControllers.filter((name) => !RARE.has(name) && !handed.includes(name));
    if (controllers.length === 0) continue;
    const populated = readFileSync(`${folder}/cgroup.procs`, 'utf8') !== '';
    const group = folder.slice((layout.unified as string).length) || '/';
    return { ...layout, unifiedControllers: layout.unifiedControllers.filter((name) => !controllers.includes(name)), withheld: { group, controllers, populated } };
  }
  return layout;
}

function ownName(name: string): string {
  return name === 'io' ? 'blkio' : name;
}

/**
 * One by one: a controller that cannot be handed on must not take the others along. A group with processes would hand on those that
 * work for threads, and then no process could enter the groups below it at all; the machine's root alone, which has no type, may have both.
 */
export function delegate(folder: string, { unifiedControllers }: CgroupLayout): void {
  if (existsSync(`${folder}/cgroup.type`) && readFileSync(`${folder}/cgroup.procs`, 'utf8') !== '') return;
  for (const name of unifiedControllers.filter((controller) => !RARE.has(controller))) {
    try {
      writeFileSync(`${folder}/cgroup.subtree_control`, `+${name === 'blkio' ? 'io' : name}`);
    } catch {
      // `handedDown` sees which are missing, and `create` says so where one is asked for.
    }
  }
}

/** A v1 cpuset is born empty and takes no process until filled; children copy theirs from now on. */
export function inheritCpuset(folder: string): void {
  const above = folder.slice(0, folder.lastIndexOf('/'));
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(`${folder}/${file}`, 'utf8').trim() === '') writeFileSync(`${folder}/${file}`, readFileSync(`${above}/${file}`, 'utf8').trim());
  }
  writeFileSync(`${folder}/cgroup.clone_children`, '1');
}
