/** Which containers of `core-oci` there are. Comes in: their root. Goes out: what was read of them. Called by `index.ts` and `../lifecycle/reconcile.ts`. */
import { ids, load, type Container as Found } from '../oci/state.js';

/** One that is being made or removed just now may have nothing to read yet, or any more. */
export function findForeign(root: string, id: string): Found | undefined {
  try {
    return load(root, id);
  } catch {
    return undefined;
  }
}

export function everyForeign(root: string): Found[] {
  return ids(root).flatMap((id) => findForeign(root, id) ?? []);
}

/** Their cgroup paths. */
export function foreignGroups(root: string): ReadonlySet<string> {
  return new Set(everyForeign(root).map(({ record }) => record.cgroup));
}
