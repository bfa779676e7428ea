/** OCI resources in, cgroup file writes out, by controller and version. Called by the plan compiler and by `update`. */
import type { Oci } from '@core/core/plugin';
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

/** Controllers of `resources` this machine does not have, for E_UNSUPPORTED before anything is touched. */
export function missingControllers(layout: CgroupLayout, resources: Oci.Resources): Controller[] {
  return Object.keys(limitsV2(resources, layout))
    .map((name) => name as Controller)
    .filter((controller) => groupHome(layout, { controller, path: '' }) === undefined);
}

/** Only controllers with a limit are listed; devices are not among them (`devices-v1.ts`, `devices-bpf.ts`). */
export function resourceLimits(layout: CgroupLayout, { path, resources }: { readonly path: string; readonly resources: Oci.Resources }): ControllerLimits[] {
  const v1 = limitsV1(resources, layout);
  const v2 = limitsV2(resources, layout);
  const limited = new Set([...Object.keys(v1), ...Object.keys(v2)] as Controller[]);
  return [...limited].flatMap((controller) => {
    const home = groupHome(layout, { controller, path });
    const writes = (home?.version === 1 ? v1 : v2)[controller];
    return home && writes?.length ? [{ controller, ...home, writes }] : [];
  });
}
