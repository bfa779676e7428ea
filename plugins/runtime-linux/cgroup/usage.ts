/** What a group's memory holds now, against a limit it shall get. Called by `lifecycle/update.ts` and `oci/update.ts`. */
import { readFileSync } from 'node:fs';
import type { Oci } from '@core/core/plugin';
import type { CgroupLayout } from './layout.js';
import { groupHome } from './paths.js';

interface Asked {
  /** The container's group. */
  readonly path: string;
  readonly changes: Oci.Resources;
  readonly merged: Oci.Resources;
}

/** Why the limit cannot be had, where `checkBeforeUpdate` asks for that; the kernel would swap, wait or kill. */
export function exceededLimit(layout: CgroupLayout, { path, changes, merged }: Asked): string | undefined {
  const limit = changes.memory?.limit ?? -1;
  if (!merged.memory?.checkBeforeUpdate || limit < 0) return undefined;
  const home = groupHome(layout, { controller: 'memory', path });
  const usage = home ? read(`${home.folder}/${home.version === 1 ? 'memory.usage_in_bytes' : 'memory.current'}`) : 0;
  return usage > limit ? `the new memory limit of ${limit} bytes is below the ${usage} bytes in use` : undefined;
}

/** A group that is not there yet uses nothing of its own. */
function read(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
