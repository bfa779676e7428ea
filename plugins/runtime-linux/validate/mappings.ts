/** Ranges of ids, of a user namespace or of a mount. Called by `validate/linux.ts` and `validate/mounts.ts`. */
import type { Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { isMapped } from '../plan/ids.js';
import { isCount, isU32 } from './values.js';

interface Where {
  readonly path: string;
  readonly issues: Issues;
}

/** Those of a container: its root sets it up. */
export function checkContainerMappings(mappings: readonly Oci.IdMapping[], { path, issues }: Where): void {
  checkMappings(mappings, { path, issues });
  issues.expect(isMapped(mappings, 0), path, 'must map id 0, which sets the container up');
}

export function checkMappings(mappings: readonly Oci.IdMapping[], { path, issues }: Where): void {
  // The kernel's bound for one map.
  issues.expect(mappings.length > 0 && mappings.length <= 340, path, 'a user namespace needs between 1 and 340 ranges');
  mappings.forEach(({ containerID, hostID, size }, index) => {
    const where = `${path}[${index}]`;
    const sound = isU32(containerID) && isU32(hostID) && isCount(size) && size > 0 && isU32(containerID + size - 1) && isU32(hostID + size - 1);
    if (!issues.expect(sound, where, 'is a range of ids below 2^32')) return;
    const overlaps = mappings.some((other, at) => at < index && (meet([containerID, size], [other.containerID, other.size]) || meet([hostID, size], [other.hostID, other.size])));
    issues.expect(!overlaps, where, 'overlaps another range');
  });
}

function meet([a, sizeA]: readonly [number, number], [b, sizeB]: readonly [number, number]): boolean {
  return a < b + sizeB && b < a + sizeA;
}
