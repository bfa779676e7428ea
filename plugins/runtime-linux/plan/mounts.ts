/** The spec's mounts, in their order. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { MOUNT_ATTR, MS } from '../constants.js';
import type { FsOption } from '../protocol.js';
import { cgroupMount } from './cgroup-mount.js';
import type { PlanDraft } from './draft.js';
import { mapText } from './ids.js';
import { destinationOf, flattened, parseMountOptions, type MountOptions } from './mount-options.js';

export function mountSteps(draft: PlanDraft): void {
  for (const asked of draft.spec.mounts ?? []) {
    const mount = { ...asked, destination: destinationOf(asked.destination) };
    const options = parseMountOptions(mount.options ?? []);
    if (options.remount || onlyPropagates(mount, options)) change(draft, mount.destination, options);
    else if (options.bind || mount.type === 'bind') bindMount(draft, mount, options);
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
      cgroupMount(draft, mount.destination, flattened(options).set);
      if (options.propagation) draft.setup.push(['attr', mount.destination, 0, 0, options.propagation, options.recursivePropagation]);
    }
    else if (mount.type === 'sysfs' && draft.unprivileged && !draft.input.host.rootless && !draft.own.has('network')) bindSysfs(draft, mount, options);
    else filesystem(draft, mount, options);
  }
}

/** mount(8)'s way to say how a mount that is there hands on what is mounted below it. */
export function onlyPropagates({ type = 'none' }: Oci.Mount, { bind, propagation }: MountOptions): boolean {
  return type === 'none' && !bind && propagation !== 0;
}

/** Of the mount at that place, whoever made it: its attributes and its propagation. */
function change(draft: PlanDraft, target: string, { attributes: own, recursiveAttributes: all, propagation, recursivePropagation }: MountOptions): void {
  if (own.set || own.clear) draft.setup.push(['attr', target, own.set, own.clear, 0, false]);
  if (all.set || all.clear) draft.setup.push(['attr', target, all.set, all.clear, 0, true]);
  if (propagation) draft.setup.push(['attr', target, 0, 0, propagation, recursivePropagation]);
}

function bindMount(draft: PlanDraft, mount: Oci.Mount, options: MountOptions): void {
  const slot = draft.slot();
  const { source = '', uidMappings = [], gidMappings = [] } = mount;
  const container = options.idmap && draft.userns;
  if (uidMappings.length > 0) {
    const userns = draft.slot();
    draft.prepare.push(['userns', userns, mapText(uidMappings), mapText(gidMappings)], ['tree', slot, source, options.recursive, true, true, userns]);
  } else (container ? draft.mapped : draft.prepare).push(['tree', slot, source, options.recursive, container, true]);
  draft.setup.push(['mount', slot, mount.destination, 3, inKernelTree(mount.destination)]);
  attributes(draft, mount.destination, options);
}

/** A user namespace may mount none for a network that is not its own: the machine's is bound, and nothing of it is left out of what the options say. */
function bindSysfs(draft: PlanDraft, mount: Oci.Mount, options: MountOptions): void {
  bindMount(draft, { ...mount, source: '/sys' }, { ...options, recursive: true, attributes: { set: 0, clear: 0 }, recursiveAttributes: flattened(options) });
}

function filesystem(draft: PlanDraft, mount: Oci.Mount, options: MountOptions): void {
  const slot = draft.slot();
  const type = mount.type ?? 'none';
  const source: FsOption[] = mount.source ? [['source', mount.source]] : [];
  const { mountLabel } = draft.spec.linux ?? {};
  const label: FsOption[] = mountLabel && !unlabelled.has(type) ? [['context', mountLabel]] : [];
  const kernelTree = type === 'proc' || type === 'sysfs' || inKernelTree(mount.destination);
  const attrs = flattened(options).set;
  // What is to be filled is closed afterwards.
  const later = options.copyUp ? attrs & MOUNT_ATTR.RDONLY : 0;
  const fs = ['fs', slot, type, [...source, ...options.data, ...label], attrs & ~later] as const;
  // A tmpfs that says nothing of its mode is as open as the folder it covers.
  const alike = type === 'tmpfs' && !options.data.some(([key]) => key === 'mode');
  draft.setup.push(alike ? [...fs, mount.destination] : fs, ...(options.copyUp ? [['copyup', slot, mount.destination] as const] : []), ['mount', slot, mount.destination, 1, kernelTree]);
  if (later) draft.setup.push(['attr', mount.destination, later, 0, 0, false]);
  if (options.propagation) draft.setup.push(['attr', mount.destination, 0, 0, options.propagation, options.recursivePropagation]);
}

/** SELinux labels what is in them by itself. */
const unlabelled = new Set(['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2']);

/** One call for all where the depth agrees. A bind that says nothing follows the machine's mounts one way, as runc's do. */
function attributes(draft: PlanDraft, target: string, options: MountOptions): void {
  const propagation = options.propagation || MS.SLAVE;
  const deep = options.propagation ? options.recursivePropagation : true;
  const { attributes: own, recursiveAttributes: all } = options;
  draft.setup.push(['attr', target, deep ? all.set : own.set, deep ? all.clear : own.clear, propagation, deep]);
  const rest = deep ? own : all;
  if (rest.set || rest.clear) draft.setup.push(['attr', target, rest.set, rest.clear, 0, !deep]);
}

/** What lies there may be a trap of the image's only where the image reaches; in procfs and sysfs no link is ever followed. */
function inKernelTree(path: string): boolean {
  return /^\/(proc|sys)(\/|$)/.test(path);
}
