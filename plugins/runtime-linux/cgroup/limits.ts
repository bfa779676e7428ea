/** OCI resources in, cgroup file writes out, by controller and version. Called by the plan compiler and by `update`. */
import { CoreError, type ErrorObject, type Oci } from '@core/core/plugin';
import type { CgroupLayout, Controller } from './layout.js';
import { groupHome } from './paths.js';
import { limitsV1 } from './limits-v1.js';
import { limitsV2 } from './limits-v2.js';

export interface LimitWrite {
  /** File name inside the group's folder. */
  readonly file: string;
  readonly value: string;
  /** The kernel may lack the file (swap accounting off) and the limit then has nothing to hold. */
  readonly optional?: boolean;
}

export interface ControllerLimits {
  readonly controller: Controller;
  readonly version: 1 | 2;
  readonly folder: string;
  readonly writes: readonly LimitWrite[];
}

/** Throws E_UNSUPPORTED, before anything is touched, when there is no controller for one of the limits. */
export function requireControllers(layout: CgroupLayout, { resources, object }: { readonly resources: Oci.Resources; readonly object: ErrorObject }): void {
  const missing = missingControllers(layout, resources);
  if (missing.length === 0) return;
  const { withheld } = layout;
  if (!withheld || !missing.some((name) => withheld.controllers.includes(name))) {
    throw new CoreError('E_UNSUPPORTED', {
      message: `this machine has no cgroup controller for ${missing.join(', ')}`,
      hint: 'Leave these limits out, or enable the controllers on the kernel command line.',
      object,
    });
  }
  throw new CoreError('E_UNSUPPORTED', {
    message: `there is no cgroup controller for ${missing.join(', ')} below the group ${withheld.group}`,
    hint: withheld.populated
      ? 'It has processes of its own, and cgroup v2 then hands nothing on: move them to a group below it, choose another cgroupParent, or leave these limits out.'
      : 'Have them enabled in its cgroup.subtree_control, choose another cgroupParent, or leave these limits out.',
    object,
  });
}

/** Controllers of `resources` there is no group for. */
export function missingControllers(layout: CgroupLayout, resources: Oci.Resources): Controller[] {
  return neededControllers(resources).filter((controller) => groupHome(layout, { controller, path: '' }) === undefined);
}

function neededControllers({ memory, cpu = {}, pids, blockIO, hugepageLimits, rdma = {}, network = {}, unified = {} }: Oci.Resources): Controller[] {
  const { cpus, mems, ...time } = cpu;
  const named = Object.keys(unified).map((file) => file.split('.')[0]).map((name) => (name === 'io' ? 'blkio' : name) as Controller);
  return [
    ...(memory && Object.keys(memory).length > 0 ? (['memory'] as const) : []),
    ...(Object.keys(time).length > 0 ? (['cpu'] as const) : []),
    ...(cpus || mems ? (['cpuset'] as const) : []),
    ...((pids?.limit ?? -1) >= 0 ? (['pids'] as const) : []),
    ...(blockIO && Object.keys(blockIO).length > 0 ? (['blkio'] as const) : []),
    ...(hugepageLimits?.length ? (['hugetlb'] as const) : []),
    ...(Object.keys(rdma).length > 0 ? (['rdma'] as const) : []),
    ...(network.classID === undefined ? [] : (['net_cls'] as const)),
    ...(network.priorities?.length ? (['net_prio'] as const) : []),
    ...named,
  ];
}

/** Only controllers with a limit are listed; devices are not among them (`devices-v1.ts`, `devices-bpf.ts`). */
export function resourceLimits(layout: CgroupLayout, { path, resources }: { readonly path: string; readonly resources: Oci.Resources }): ControllerLimits[] {
  const needed = [...new Set(neededControllers(resources))].flatMap((controller) => {
    const home = groupHome(layout, { controller, path });
    return home ? [{ controller, ...home }] : [];
  });
  const v1 = needed.some(({ version }) => version === 1) ? limitsV1(resources, layout) : {};
  const v2 = needed.some(({ version }) => version === 2) ? limitsV2(resources, layout) : {};
  return needed.flatMap((home) => {
    const writes = (home.version === 1 ? v1 : v2)[home.controller];
    return writes?.length ? [{ ...home, writes }] : [];
  });
}
