/** The spec's mounts, in their order. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { MS } from '../constants.js';
import type { FsOption } from '../protocol.js';
import { cgroupMount } from './cgroup-mount.js';
import type { PlanDraft } from './draft.js';
import { parseMountOptions, type MountOptions } from './mount-options.js';

export function mountSteps(draft: PlanDraft): void {
  for (const mount of draft.spec.mounts ?? []) {
    const options = parseMountOptions(mount.options ?? []);
    if (options.bind || mount.type === 'bind') bindMount(draft, mount, options);
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') cgroupMount(draft, mount.destination, options.attributes.set);
    else filesystem(draft, mount, options);
  }
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
  const kernelTree = type === 'proc' || type === 'sysfs' || inKernelTree(mount.destination);
  draft.setup.push(['fs', slot, type, [...source, ...options.data], options.attributes.set], ['mount', slot, mount.destination, 1, kernelTree]);
  if (options.propagation) draft.setup.push(['attr', mount.destination, 0, 0, options.propagation, options.recursivePropagation]);
}

/** Their source is a mere label, and the label costs a call. */
const withoutSource = new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'ramfs']);

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
