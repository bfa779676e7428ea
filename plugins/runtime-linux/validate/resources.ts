/** `linux.resources` of a spec. Called by `validate/linux.ts` and by `update`. */
import type { Oci } from '@core/core/plugin';
import { at, type Issues } from '../issues.js';
import type { HostFacts } from '../plan/input.js';
import { isCount, isU32 } from './values.js';

interface Context {
  readonly issues: Issues;
  readonly host: HostFacts;
  /** JSON path of the resources. */
  readonly path?: string;
}

export function checkResources(resources: Oci.Resources, { issues, host, path = 'spec.linux.resources' }: Context): void {
  checkMemory(resources.memory ?? {}, { issues, path: `${path}.memory` });
  checkCpu(resources.cpu ?? {}, { issues, path: `${path}.cpu` });
  const limit = resources.pids?.limit;
  issues.expect(limit === undefined || Number.isSafeInteger(limit), `${path}.pids.limit`, 'is a whole number; -1 means no limit');
  checkBlockIo(resources.blockIO ?? {}, { issues, path: `${path}.blockIO` });
  (resources.hugepageLimits ?? []).forEach(({ pageSize, limit }, index) => {
    issues.expect(/^[1-9][0-9]*[KMG]B$/.test(pageSize), `${path}.hugepageLimits[${index}].pageSize`, 'is a page size such as "2MB"');
    issues.expect(isCount(limit), `${path}.hugepageLimits[${index}].limit`, 'is a number of bytes');
  });
  (resources.devices ?? []).forEach((rule, index) => checkDeviceRule(rule, { issues, path: `${path}.devices[${index}]` }));
  for (const [device, limits] of Object.entries(resources.rdma ?? {})) {
    const values = [limits.hcaHandles, limits.hcaObjects].filter((value) => value !== undefined);
    issues.expect(/^[^\s/]+$/.test(device) && values.length > 0 && values.every(isU32), at(`${path}.rdma`, device), 'is a device with hcaHandles, hcaObjects or both');
  }
  issues.expect(resources.network?.classID === undefined || isU32(resources.network.classID), `${path}.network.classID`, 'is a whole number below 2^32');
  (resources.network?.priorities ?? []).forEach(({ name, priority }, index) => {
    issues.expect(/^[^\s/]{1,15}$/.test(name) && isU32(priority), `${path}.network.priorities[${index}]`, 'needs the name of a link and a priority');
  });
  for (const file of Object.keys(resources.unified ?? {})) {
    issues.expect(/^[a-z]+(\.[A-Za-z0-9_-]+)+$/.test(file), at(`${path}.unified`, file), 'is a file of a v2 controller, such as "memory.high"');
    issues.expect(host.cgroups.mode === 'v2', at(`${path}.unified`, file), 'takes a machine with cgroup v2 alone');
  }
}

interface Where {
  readonly issues: Issues;
  readonly path: string;
}

const bytesOrNone = (value: number | undefined): boolean => value === undefined || value === -1 || isCount(value);

function checkMemory({ limit, swap, reservation, swappiness, kernel, kernelTCP }: NonNullable<Oci.Resources['memory']>, { issues, path }: Where): void {
  issues.expect(bytesOrNone(limit), `${path}.limit`, 'is a number of bytes; -1 means no limit');
  issues.expect(bytesOrNone(reservation), `${path}.reservation`, 'is a number of bytes; -1 means none');
  issues.expect(bytesOrNone(swap), `${path}.swap`, 'is a number of bytes; -1 means no limit');
  issues.expect(swap === undefined || swap === -1 || (limit !== undefined && limit >= 0 && swap >= limit), `${path}.swap`, 'counts memory plus swap, so it takes a memory limit and is not below it');
  issues.expect(bytesOrNone(kernel), `${path}.kernel`, 'is a number of bytes; -1 means no limit');
  issues.expect(bytesOrNone(kernelTCP), `${path}.kernelTCP`, 'is a number of bytes; -1 means no limit');
  issues.expect(swappiness === undefined || (isCount(swappiness) && swappiness <= 100), `${path}.swappiness`, 'is between 0 and 100');
}

function checkCpu(cpu: NonNullable<Oci.Resources['cpu']>, { issues, path }: Where): void {
  issues.expect(cpu.shares === undefined || isCount(cpu.shares), `${path}.shares`, 'is a whole number');
  issues.expect(cpu.quota === undefined || cpu.quota === -1 || (isCount(cpu.quota) && cpu.quota >= 1000), `${path}.quota`, 'is at least 1000 microseconds; -1 means no limit');
  issues.expect(cpu.period === undefined || (isCount(cpu.period) && cpu.period >= 1000 && cpu.period <= 1_000_000), `${path}.period`, 'is between 1000 and 1000000 microseconds');
  issues.expect(cpu.idle === undefined || cpu.idle === 0 || cpu.idle === 1, `${path}.idle`, 'is 0 or 1');
  issues.expect(cpu.burst === undefined || (isCount(cpu.burst) && ((cpu.quota ?? -1) < 0 || cpu.burst <= (cpu.quota as number))), `${path}.burst`, 'is a number of microseconds, and not above the quota');
  issues.expect(cpu.realtimePeriod === undefined || isCount(cpu.realtimePeriod), `${path}.realtimePeriod`, 'is a number of microseconds');
  issues.expect(cpu.realtimeRuntime === undefined || Number.isSafeInteger(cpu.realtimeRuntime), `${path}.realtimeRuntime`, 'is a number of microseconds');
  for (const key of ['cpus', 'mems'] as const) {
    issues.expect(cpu[key] === undefined || /^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$|^$/.test(cpu[key]), `${path}.${key}`, 'is a list such as "0-2,4"');
  }
}

function checkBlockIo(io: NonNullable<Oci.Resources['blockIO']>, { issues, path }: Where): void {
  issues.expect(io.weight === undefined || (isCount(io.weight) && io.weight >= 10 && io.weight <= 1000), `${path}.weight`, 'is between 10 and 1000');
  for (const key of ['throttleReadBpsDevice', 'throttleWriteBpsDevice', 'throttleReadIOPSDevice', 'throttleWriteIOPSDevice'] as const) {
    io[key]?.forEach(({ major, minor, rate }, index) => issues.expect(isU32(major) && isU32(minor) && isCount(rate), `${path}.${key}[${index}]`, 'needs major, minor and rate'));
  }
}

function checkDeviceRule({ allow, type = 'a', access = 'rwm', major, minor }: Oci.DeviceRule, { issues, path }: Where): void {
  issues.expect(typeof allow === 'boolean', `${path}.allow`, 'is true or false');
  issues.expect(['a', 'b', 'c'].includes(type), `${path}.type`, 'is a, b or c');
  issues.expect(/^[rwm]+$/.test(access), `${path}.access`, 'is made of r, w and m');
  const number = (value: number | undefined): boolean => value === undefined || value === -1 || isU32(value);
  issues.expect(number(major) && number(minor), path, 'has numbers that are no device numbers');
}
