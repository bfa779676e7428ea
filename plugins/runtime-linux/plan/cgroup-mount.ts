/** What the container sees at /sys/fs/cgroup, for each kind of machine. Called by `mounts.ts`. */
import { MOUNT_ATTR, MS } from '../constants.js';
import type { Controller } from '../cgroup/layout.js';
import type { PlanDraft } from './draft.js';
import type { Group } from './groups.js';

/**
 * With a cgroup namespace of its own: the v2 tree, or a tmpfs with one folder per hierarchy the container has a group in (the
 * others would show the machine's). Without one: the machine's tree as it is.
 */
export function cgroupMount(draft: PlanDraft, destination: string, attrs: number): void {
  const { cgroups } = draft.input.host;
  if (cgroups.mode === 'none') return;
  // Of v1 only the user's own folders could be shown, and none of them as a root of its own.
  if (draft.input.host.rootless && (cgroups.mode !== 'v2' || !draft.own.has('cgroup'))) return;
  if (!draft.own.has('cgroup')) return bindMachineTree(draft, { destination, attrs });
  if (cgroups.mode === 'v2') return mountFs(draft, { type: 'cgroup2', options: [], target: destination, attrs });
  mountFs(draft, { type: 'tmpfs', options: [['mode', '755'], ['size', '64k']], target: destination, attrs: attrs & ~MOUNT_ATTR.RDONLY });
  for (const group of draft.groups) {
    if (group.version === 2) mountFs(draft, { type: 'cgroup2', options: [], target: `${destination}/unified`, attrs });
    else hierarchy(draft, { group, destination, attrs });
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
  mountFs(draft, { type: 'cgroup', options: names.map((controller) => [controller, null] as const), target: `${destination}/${name}`, attrs });
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

function bindMachineTree(draft: PlanDraft, { destination, attrs }: Placement): void {
  const { cgroups } = draft.input.host;
  const source = cgroups.mode === 'v2' ? (cgroups.unified as string) : parent(cgroups.unified ?? (Object.values(cgroups.v1)[0] as string));
  const slot = draft.slot();
  draft.prepare.push(['tree', slot, source, true, false, true]);
  draft.setup.push(['mount', slot, destination, 1, true], ['attr', destination, attrs, 0, MS.SLAVE, true]);
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
