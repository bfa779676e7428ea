/** New limits on top of old ones. Comes in: both as OCI resources. Goes out: what holds from now on, and what is to be written for it. Called by `lifecycle/update.ts` and `oci/update.ts`. */
import type { Oci } from '@core/core/plugin';
import type { CgroupLayout } from './layout.js';
import { resourceLimits, type ControllerLimits } from './limits.js';
import { groupHome } from './paths.js';

/** What the changes name replaces what was; the rest stays. */
export function mergeResources(before: Oci.Resources, { memory, cpu, blockIO, ...rest }: Oci.Resources): Oci.Resources {
  const raised = memory?.limit !== undefined && memory.swap === undefined && before.memory?.swap === before.memory?.limit ? { swap: memory.limit } : {};
  return {
    ...before,
    ...rest,
    ...(memory && { memory: { ...before.memory, ...memory, ...raised } }),
    ...(cpu && { cpu: { ...before.cpu, ...cpu } }),
    ...(blockIO && { blockIO: { ...before.blockIO, ...blockIO } }),
  };
}

interface Change {
  /** The container's group. */
  readonly path: string;
  readonly changes: Oci.Resources;
  readonly merged: Oci.Resources;
}

/** Of the controllers the changes are about, all that holds: some limits are only right together. */
export function changedLimits(layout: CgroupLayout, { path, changes, merged }: Change): ControllerLimits[] {
  const touched = new Set(resourceLimits(layout, { path, resources: changes }).map(({ controller }) => controller));
  return [...resourceLimits(layout, { path, resources: merged }).filter(({ controller }) => touched.has(controller)), ...lifted(layout, { path, changes })];
}

/** `pids: -1` lifts a limit, which a plan for a new container would simply leave out. */
function lifted(layout: CgroupLayout, { path, changes }: Pick<Change, 'path' | 'changes'>): ControllerLimits[] {
  const home = groupHome(layout, { controller: 'pids', path });
  if (!home || changes.pids?.limit === undefined || changes.pids.limit >= 0) return [];
  return [{ controller: 'pids', ...home, writes: [{ file: 'pids.max', value: 'max', optional: true }] }];
}
