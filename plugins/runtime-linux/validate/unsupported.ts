/** What a sound spec asks for and this machine, or this runtime, cannot give: a sentence each for E_UNSUPPORTED, never passed over. Called by `validate/index.ts` and `update`. */
import type { Oci } from '@core/core/plugin';
import { groupHome } from '../cgroup/paths.js';
import type { HostFacts } from '../plan/input.js';

export function unsupported({ process, linux = {} }: Oci.Spec, host: HostFacts): string[] {
  const { apparmorProfile, selinuxLabel } = process as Oci.Process;
  return [
    ...(apparmorProfile && apparmorProfile !== 'unconfined' && !host.modules.has('apparmor') ? ['process.apparmorProfile: AppArmor is not in force on this machine'] : []),
    ...(selinuxLabel && !host.modules.has('selinux') ? ['process.selinuxLabel: SELinux is not in force on this machine'] : []),
    ...(linux.mountLabel && !host.modules.has('selinux') ? ['linux.mountLabel: SELinux is not in force on this machine'] : []),
    ...(linux.intelRdt ? ['linux.intelRdt: this runtime does not manage resctrl'] : []),
    ...unsupportedResources(linux.resources ?? {}, host),
  ];
}

/** The conversions from v1 to v2 the specification leaves to runtimes, where there is none. */
export function unsupportedResources(resources: Oci.Resources, { cgroups }: HostFacts): string[] {
  const { memory = {}, cpu = {}, blockIO = {} } = resources;
  const isV2 = (controller: 'memory' | 'cpu'): boolean => groupHome(cgroups, { controller, path: '' })?.version === 2;
  const v1Only = {
    'memory.swappiness': memory.swappiness !== undefined && isV2('memory'),
    'memory.disableOOMKiller': memory.disableOOMKiller === true && isV2('memory'),
    'memory.kernelTCP': memory.kernelTCP !== undefined && memory.kernelTCP !== -1 && isV2('memory'),
    'cpu.realtimeRuntime': (cpu.realtimeRuntime ?? 0) !== 0 && isV2('cpu'),
    'cpu.realtimePeriod': (cpu.realtimePeriod ?? 0) !== 0 && isV2('cpu'),
  };
  const leaves = blockIO.leafWeight !== undefined || blockIO.weightDevice?.some(({ leafWeight }) => leafWeight !== undefined);
  return [
    ...Object.entries(v1Only).flatMap(([name, lacking]) => (lacking ? [`${name}: cgroup v2 has nothing like it`] : [])),
    ...(memory.useHierarchy === false ? ['memory.useHierarchy: a kernel of today counts groups below always'] : []),
    ...(leaves ? ['blockIO.leafWeight: no kernel of today has leaf weights'] : []),
  ];
}
