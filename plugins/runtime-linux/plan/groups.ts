/**
 * Which groups a container is in, with what limits. Called by the plan compiler and for execs.
 *
 * Only hierarchies that do something are used: those with a limit, devices unless everything is allowed, and the v2 tree (or
 * v1's freezer) to kill and freeze by.
 */
import type { Oci } from '@core/core/plugin';
import { deviceWrites } from '../cgroup/devices-v1.js';
import type { CgroupLayout, Controller } from '../cgroup/layout.js';
import { resourceLimits, type LimitWrite } from '../cgroup/limits.js';
import { isPrepared, ownDevicesPath } from '../cgroup/paths.js';

export interface Group {
  readonly version: 1 | 2;
  readonly folder: string;
  readonly controllers: readonly Controller[];
  readonly writes: readonly LimitWrite[];
}

/** The groups the container is in, one per hierarchy, the v2 one first. */
export function containerGroups(layout: CgroupLayout, { path, resources }: { readonly path: string; readonly resources: Oci.Resources }): Group[] {
  const byFolder = new Map<string, Group>();
  const add = (group: Group): void => {
    const known = byFolder.get(group.folder);
    const controllers = [...(known?.controllers ?? []), ...group.controllers];
    byFolder.set(group.folder, { ...group, controllers, writes: [...(known?.writes ?? []), ...group.writes] });
  };
  if (layout.unified !== undefined) add({ version: 2, folder: layout.unified + path, controllers: [], writes: [] });
  else if (layout.v1.freezer !== undefined) add({ version: 1, folder: layout.v1.freezer + path, controllers: ['freezer'], writes: [] });
  for (const { controller, version, folder, writes } of resourceLimits(layout, { path, resources })) {
    add({ version, folder, controllers: [controller], writes });
  }
  if (layout.v1.devices !== undefined && !allowsEveryDevice(resources)) {
    const inherited = isPrepared(layout, path) && hasUsualRules(resources);
    const folder = layout.v1.devices + (inherited ? path : ownDevicesPath(layout, path));
    add({ version: 1, folder, controllers: ['devices'], writes: inherited ? [] : deviceWrites(deviceRules(resources)) });
  }
  return [...byFolder.values()];
}

export function allowsEveryDevice({ devices = [] }: Oci.Resources): boolean {
  const last = devices.at(-1);
  if (!last) return true;
  return last.allow && (last.type ?? 'a') === 'a' && last.major === undefined && last.minor === undefined && (last.access ?? 'rwm') === 'rwm';
}

/**
 * The spec's rules, and then what every container may: make any node (which gives no access by itself), use the harmless ones
 * it is given (config-linux.md, "Default Devices") and the terminals of its devpts.
 */
export function deviceRules({ devices = [] }: Oci.Resources): Oci.DeviceRule[] {
  return [...devices, ...ALWAYS];
}

/** Nothing but what every container may. */
export const USUAL_RULES: readonly Oci.DeviceRule[] = [{ allow: false, access: 'rwm' }];

function hasUsualRules({ devices = [] }: Oci.Resources): boolean {
  const [only] = devices;
  return devices.length === 1 && only !== undefined && !only.allow && (only.type ?? 'a') === 'a' && only.major === undefined && only.minor === undefined && (only.access ?? 'rwm') === 'rwm';
}

const ALWAYS: readonly Oci.DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...([[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]] as const).map(([major, minor]): Oci.DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];
