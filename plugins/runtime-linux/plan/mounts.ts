/** The spec's mounts, in their order. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { MS } from '../constants.js';
import type { FsOption } from '../protocol.js';
import { cgroupMount } from './cgroup-mount.js';
import type { PlanDraft } from './draft.js';
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
  const idmap = options.idmap && draft.userns;
  (idmap ? draft.mapped : draft.prepare).push(['tree', slot, mount.source ?? '', options.recursive, idmap, true]);
  draft.setup.push(['mount', slot, mount.destination, 3, inKernelTree(mount.destination)]);
  attributes(draft, mount.destination, options);
}

function filesystem(draft: PlanDraft, mount: Oci.Mount, options: MountOptions): void {
  const slot = draft.slot();
  const type = mount.type ?? 'none';
  const source: FsOption[] = withoutSource.has(type) || !mount.source ? [] : [['source', mount.source]];
  const { mountLabel } = draft.spec.linux ?? {};
  const label: FsOption[] = mountLabel && !unlabelled.has(type) ? [['context', mountLabel]] : [];
  const kernelTree = type === 'proc' || type === 'sysfs' || inKernelTree(mount.destination);
  draft.setup.push(['fs', slot, type, [...source, ...options.data, ...label], flattened(options).set], ['mount', slot, mount.destination, 1, kernelTree]);
  if (options.propagation) draft.setup.push(['attr', mount.destination, 0, 0, options.propagation, options.recursivePropagation]);
}

/** Their source is a mere label, and the label costs a call. */
const withoutSource = new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'ramfs']);

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
