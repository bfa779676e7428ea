/**
 * Says what a script asked for and cannot have here: the kernel inside a script has no log. Comes in: what the engine told of a container, and the options it was made
 * with. Goes out: a process warning, once per wish, which the script can listen to (`process.on('warning')`). Called wherever a container is made.
 */
import type { ContainerInfo, ContainerOptions } from '@core/core/plugin';

/** Options that come to a wish. One that nobody has named, as the default of `pids`, is none to warn of. */
const WISHES: Readonly<Record<string, ReadonlyArray<keyof ContainerOptions>>> = {
  memory: ['memory', 'memoryReservation', 'memorySwap', 'memorySwappiness'],
  cpu: ['cpus', 'cpuShares', 'cpuQuota', 'cpuPeriod'],
  cpuset: ['cpusetCpus', 'cpusetMems'],
  pids: ['pids'],
  blkio: ['io'],
  hugetlb: ['hugepages'],
  network: ['network'],
};

const told = new Set<string>();

export function warnUnmet({ unmet = [] }: ContainerInfo, options: { readonly [Name in keyof ContainerOptions]?: unknown }): void {
  for (const { wish, reason, hint } of unmet) {
    const asked = WISHES[wish]?.some((name) => options[name] !== undefined) ?? true;
    if (!asked || told.has(wish)) continue;
    told.add(wish);
    process.emitWarning(`${reason}${hint === undefined ? '' : `. ${hint}`}`, { type: 'CoreWarning', code: `CORE_UNMET_${wish.toUpperCase()}` });
  }
}
