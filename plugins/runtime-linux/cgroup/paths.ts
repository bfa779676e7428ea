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

/** Every folder the group at `path` may have, v2 first: what teardown looks at. */
export function allGroups(layout: CgroupLayout, path: string): string[] {
  const mounts = CONTROLLERS.map((name) => layout.v1[name]).filter((mount) => mount !== undefined);
  return [...new Set([...(layout.unified === undefined ? [] : [layout.unified]), ...mounts])].map((mount) => mount + path);
}
