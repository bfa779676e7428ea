/** Says once which limits are not in force, as an ordinary user has no cgroup for them. Comes in: the resources a container asks for. Called by `create`. */
import type { Oci } from '@core/core/plugin';
import { missingControllers } from '../cgroup/limits.js';
import type { Context } from '../context.js';
import { DELEGATE } from './settings.js';

export function tellUnmet({ host, unmet, warn }: Context, resources: Oci.Resources): void {
  const fresh = missingControllers(host.cgroups, resources).filter((name) => !unmet.has(name));
  if (fresh.length === 0) return;
  for (const name of fresh) unmet.add(name);
  warn(`limits of ${fresh.join(' and ')} are not in force: no cgroup for them is delegated to this user. ${DELEGATE}`);
}
