/** Where a container's groups are. Comes in: the layout and the container's path in it. Goes out: folders. */
import { CONTROLLERS, type CgroupLayout, type Controller } from './layout.js';

export interface GroupHome {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** Where a controller is set for the group at `path` (absolute, in cgroup terms): v1 wins, as the kernel gives each to one. */
export function groupHome(layout: CgroupLayout, { controller, path }: { readonly controller: Controller; readonly path: string }): GroupHome | undefined {
  const mount = layout.v1[controller];
  if (mount !== undefined) return { version: 1, folder: mount + path };
  if (layout.unified !== undefined && layout.unifiedControllers.includes(controller)) return { version: 2, folder: layout.unified + path };
  return undefined;
}

/** Where a group with device rules of its own is: not below the one whose rules it could not pass. */
export function ownDevicesPath({ devicesParent }: CgroupLayout, path: string): string {
  if (!isPrepared({ devicesParent }, path)) return path;
  return `${devicesParent}.own${path.slice((devicesParent as string).length)}`;
}

/** Whether a group at `path` inherits the usual device rules. */
export function isPrepared({ devicesParent }: Pick<CgroupLayout, 'devicesParent'>, path: string): boolean {
  return devicesParent !== undefined && path.startsWith(`${devicesParent}/`);
}

/** Every folder the group at `path` may have, v2 first: what teardown looks at. */
export function allGroups(layout: CgroupLayout, path: string): string[] {
  const mounts = CONTROLLERS.map((name) => layout.v1[name]).filter((mount) => mount !== undefined);
  const folders = [...new Set([...(layout.unified === undefined ? [] : [layout.unified]), ...mounts])].map((mount) => mount + path);
  const { devices } = layout.v1;
  return devices !== undefined && isPrepared(layout, path) ? [...folders, devices + ownDevicesPath(layout, path)] : folders;
}
