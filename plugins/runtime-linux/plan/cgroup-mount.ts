/** What the container sees at /sys/fs/cgroup, for each kind of machine. Called by `mounts.ts`. */
import { MOUNT_ATTR, MS } from '../constants.js';
import type { Controller } from '../cgroup/layout.js';
import type { PlanDraft } from './draft.js';
import type { Group } from './groups.js';

/**
 * A tmpfs with one folder per hierarchy the container has a group in (the others would show the machine's), and in it that group
 * alone; where v2 is all there is the v2 tree, which without a cgroup namespace of the container's own is the machine's.
 */
export function cgroupMount(draft: PlanDraft, destination: string, attrs: number): void {
  const { cgroups } = draft.input.host;
  if (cgroups.mode === 'none') return;
  // Of v1 only the user's own folders could be shown, and none of them as a root of its own.
  if (draft.input.host.rootless && (cgroups.mode !== 'v2' || !draft.own.has('cgroup'))) return;
  if (cgroups.mode === 'v2' && !draft.own.has('cgroup')) return bindTree(draft, { source: cgroups.unified as string, target: destination, attrs, recursive: true });
  if (cgroups.mode === 'v2') return mountFs(draft, { type: 'cgroup2', options: [], target: destination, attrs });
  mountFs(draft, { type: 'tmpfs', options: [['mode', '755'], ['size', '64k']], target: destination, attrs: attrs & ~MOUNT_ATTR.RDONLY });
  for (const group of draft.groups) {
    if (group.version === 1) hierarchy(draft, { group, destination, attrs });
    else if (draft.own.has('cgroup')) mountFs(draft, { type: 'cgroup2', options: [], target: `${destination}/unified`, attrs });
    else bindTree(draft, { source: group.folder, target: `${destination}/unified`, attrs });
  }
  if (attrs & MOUNT_ATTR.RDONLY) draft.setup.push(['attr', destination, MOUNT_ATTR.RDONLY, 0, 0, false]);
}

interface Placement {
  readonly destination: string;
  readonly attrs: number;
}

/** A v1 hierarchy is named by its controllers; co-mounted ones (cpu,cpuacct) get the other names as links. */
function hierarchy(draft: PlanDraft, { group, destination, attrs }: Placement & { readonly group: Group }): void {
  const { v1 } = draft.input.host.cgroups;
  // Of use to who manages services alone.
  if (group.controllers.length === 0) return;
  const mount = v1[group.controllers[0] as Controller] as string;
  const names = Object.entries(v1).filter(([, at]) => at === mount).map(([name]) => name);
  const name = mount.slice(mount.lastIndexOf('/') + 1);
  const target = `${destination}/${name}`;
  // Without a namespace a mount of the hierarchy would show the whole of it.
  if (draft.own.has('cgroup')) mountFs(draft, { type: 'cgroup', options: names.map((controller) => [controller, null] as const), target, attrs });
  else bindTree(draft, { source: group.folder, target, attrs });
  for (const other of names) if (other !== name) draft.setup.push(['link', name, `${destination}/${other}`]);
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

function bindTree(draft: PlanDraft, { source, target, attrs, recursive = false }: Binding): void {
  const slot = draft.slot();
  draft.prepare.push(['tree', slot, source, recursive, false, true]);
  draft.setup.push(['mount', slot, target, 1, true], ['attr', target, attrs, 0, MS.SLAVE, recursive]);
}
