/** What the container sees at /sys/fs/cgroup, for each kind of machine. Called by `mounts.ts`. */
import { MOUNT_ATTR, MS } from '../constants.js';
import type { Controller } from '../cgroup/layout.js';
import type { PlanDraft } from './draft.js';
import type { Group } from './groups.js';

/**
 * On a machine of v2 alone the tree: with a cgroup namespace of its own from the container's group on, without one all of it. Elsewhere a tmpfs with one
 * folder per hierarchy the container has a group in, and nothing above that group either way: what reads its limits there must find its own.
 */
export function cgroupMount(draft: PlanDraft, destination: string, attrs: number): void {
  const { cgroups } = draft.input.host;
  if (cgroups.mode === 'none') return;
  if (cgroups.mode === 'v2') {
    // Of a tree that is not the user's nothing can be shown.
    if (draft.input.host.rootless && !draft.own.has('cgroup')) return;
    if (draft.own.has('cgroup')) mountFs(draft, { type: 'cgroup2', options: [], target: destination, attrs });
    else bind(draft, { source: cgroups.unified as string, target: destination, attrs, recursive: true });
    return;
  }
  mountFs(draft, { type: 'tmpfs', options: [['mode', '755'], ['size', '64k']], target: destination, attrs: attrs & ~MOUNT_ATTR.RDONLY });
  for (const group of draft.groups) hierarchy(draft, { group, destination, attrs });
  if (attrs & MOUNT_ATTR.RDONLY) draft.setup.push(['attr', destination, MOUNT_ATTR.RDONLY, 0, 0, false]);
}

interface Hierarchy {
  readonly group: Group;
  readonly destination: string;
  readonly attrs: number;
}

/** A v1 hierarchy is named by its controllers; co-mounted ones (cpu,cpuacct) get the other names as links. */
function hierarchy(draft: PlanDraft, { group, destination, attrs }: Hierarchy): void {
  // Of use to who manages services alone.
  if (group.version === 1 && group.controllers.length === 0) return;
  const { name, controllers } = group.version === 2 ? { name: 'unified', controllers: [] } : hierarchyOf(draft, group);
  const target = `${destination}/${name}`;
  // A hierarchy of v1 is mounted by root of the machine alone.
  if (!draft.own.has('cgroup') || draft.input.host.rootless) bind(draft, { source: group.folder, target, attrs });
  else mountFs(draft, { type: group.version === 2 ? 'cgroup2' : 'cgroup', options: controllers.map((controller) => [controller, null] as const), target, attrs });
  for (const other of controllers) if (other !== name) draft.setup.push(['link', name, `${destination}/${other}`]);
}

function hierarchyOf(draft: PlanDraft, { controllers }: Group): { readonly name: string; readonly controllers: readonly string[] } {
  const { cgroups, rootless } = draft.input.host;
  const mount = cgroups.v1[controllers[0] as Controller] as string;
  const names = Object.entries(cgroups.v1).filter(([, at]) => at === mount).map(([name]) => name);
  // An ordinary user's hierarchies begin at what is delegated, which says nothing of where they are mounted.
  return { name: rootless ? names.join(',') : mount.slice(mount.lastIndexOf('/') + 1), controllers: names };
}

interface FsMount {
  readonly type: string;
  readonly options: readonly (readonly [string, string | null])[];
  readonly target: string;
  readonly attrs: number;
}

function mountFs(draft: PlanDraft, { type, options, target, attrs }: FsMount): void {
  const slot = draft.slot();
  draft.setup.push(['fs', slot, type, options, attrs], ['mount', slot, target, 1, true]);
}

interface Binding {
  readonly source: string;
  readonly target: string;
  readonly attrs: number;
  readonly recursive?: boolean;
}

function bind(draft: PlanDraft, { source, target, attrs, recursive = false }: Binding): void {
  const slot = draft.slot();
  draft.prepare.push(['tree', slot, source, recursive, false, true]);
  draft.setup.push(['mount', slot, target, 1, true], ['attr', target, attrs, 0, MS.SLAVE, recursive]);
}
