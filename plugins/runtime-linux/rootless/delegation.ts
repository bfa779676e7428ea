/**
 * Which groups an ordinary user may use. Comes in: the machine's layout and where this process is in it. Goes out: the same layout with the delegated folders in
 * place of the mount points, and without what is not delegated. Called by `facts.ts`, when the driver is made.
 *
 * A group counts as delegated when this process is in it or below it and the user may write to it: that is what systemd does for `Delegate=yes`, and the only case in
 * which the kernel lets the user move a process of his into a group there. In v1 nothing but the folder's owner counts.
 */
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { CONTROLLERS, type CgroupLayout, type Controller } from '../cgroup/layout.js';

/** `own` is the text of /proc/self/cgroup. */
export function delegatedLayout(layout: CgroupLayout, own: string): CgroupLayout {
  const unified = layout.unified === undefined ? undefined : topmost({ mount: layout.unified, path: ownPath(own, ''), files: ['cgroup.procs', 'cgroup.subtree_control'] });
  const v1 = Object.fromEntries(
    Object.entries(layout.v1).flatMap(([name, mount]) => {
      // Who may use which device is for root of the machine to say.
      const folder = name === 'devices' ? undefined : topmost({ mount, path: ownPath(own, name), files: ['cgroup.procs', 'tasks'] });
      return folder === undefined ? [] : [[name, folder]];
    }),
  ) as Partial<Record<Controller, string>>;
  const hasV1 = Object.keys(v1).length > 0;
  return {
    ...layout,
    mode: unified === undefined ? (hasV1 ? 'v1' : 'none') : hasV1 || layout.mode === 'hybrid' ? 'hybrid' : 'v2',
    unified,
    unifiedControllers: unified === undefined ? [] : controllersIn(`${unified}/cgroup.controllers`),
    v1,
  };
}

/**
 * The v2 tree hands controllers on only from a group without processes. Where the delegated group is the one we are in, as in a scope made for us, what
 * is in it moves one down. Synchronous: boot only.
 */
export function stepAside({ mode, unified }: CgroupLayout): void {
  if (mode !== 'v2' || unified === undefined) return;
  const pids = readFileSync(`${unified}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
  if (pids.length === 0) return;
  mkdirSync(`${unified}/core.engine`, { recursive: true });
  for (const pid of pids) {
    try {
      writeFileSync(`${unified}/core.engine/cgroup.procs`, pid);
    } catch {
      // It has ended; or it is not ours, and then no controller can be handed on, which is found out next.
    }
  }
}

interface Place {
  readonly mount: string;
  readonly path: string | undefined;
  /** What must be writable in it besides the folder. */
  readonly files: readonly string[];
}

function topmost({ mount, path, files }: Place): string | undefined {
  if (path === undefined) return undefined;
  const steps = path.split('/').filter(Boolean);
  // Not the root of the hierarchy: it may look writable where everything is, and is nobody's to hand out.
  const folders = steps.map((_, index) => `${mount}/${steps.slice(0, index + 1).join('/')}`);
  return folders.find((folder) => isWritable(folder) && files.every((file) => isWritable(`${folder}/${file}`)));
}

/** Lines are `number:controllers:path`; the v2 tree's has no controllers. */
function ownPath(text: string, controller: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, names = '-', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controller === '' ? names === '' : names.split(',').includes(controller)) return path;
  }
  return undefined;
}

function controllersIn(file: string): Controller[] {
  const names = readFileSync(file, 'utf8').trim().split(/\s+/).map((name) => (name === 'io' ? 'blkio' : name));
  return CONTROLLERS.filter((name) => names.includes(name));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
