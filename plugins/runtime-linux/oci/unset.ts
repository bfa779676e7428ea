/** What docker and its like write for "no limit": comes in the resources of a config.json or an update, goes out the same without such zeros. Called by `config.ts` and `update.ts`. */
import type { Oci } from '@core/core/plugin';

const UNSET: ReadonlyMap<keyof Oci.Resources, readonly string[]> = new Map([
  ['blockIO', ['weight', 'leafWeight']],
  ['cpu', ['shares', 'quota', 'period', 'burst', 'realtimeRuntime', 'realtimePeriod']],
  ['memory', ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP']],
] as const);

/** As runc has it: a zero where zero would be no sensible value is a value that was never set. */
export function withoutUnset(resources: Oci.Resources): Oci.Resources {
  const cleaned = Object.entries(resources).map(([group, values]) => {
    const names = UNSET.get(group as keyof Oci.Resources);
    if (!names || typeof values !== 'object' || values === null) return [group, values];
    return [group, Object.fromEntries(Object.entries(values).filter(([name, value]) => !(value === 0 && names.includes(name))))];
  });
  return Object.fromEntries(cleaned) as Oci.Resources;
}
