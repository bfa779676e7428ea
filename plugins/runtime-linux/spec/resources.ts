/** Limits of the settings as OCI resources. Called by `spec/index.ts`. */
import { stat } from 'node:fs/promises';
import type { ContainerSettings, Oci } from '@core/core/plugin';
import { at, type Issues } from '../issues.js';
import { deviceNumbers } from './devices.js';

/** Microseconds: docker's period for `cpus`. */
const CPU_PERIOD = 100_000;

export async function containerResources(settings: ContainerSettings, issues: Issues): Promise<Oci.Resources> {
  const blockIO = await blockIo(settings.io, issues);
  const memory = memoryResources(settings, issues);
  const cpu = cpuResources(settings, issues);
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    pids: { limit: settings.pids },
    ...(blockIO && { blockIO }),
    ...(settings.hugepages && { hugepageLimits: Object.entries(settings.hugepages).map(([pageSize, limit]) => ({ pageSize, limit })) }),
  };
}

function memoryResources(settings: ContainerSettings, issues: Issues): Oci.Resources['memory'] | undefined {
  const { memory, memoryReservation, memorySwap, memorySwappiness } = settings;
  issues.expect(memorySwap === undefined || memory !== undefined, 'memorySwap', 'takes a limit of memory too');
  issues.expect(memorySwap === undefined || memorySwap === -1 || memorySwap >= (memory ?? 0), 'memorySwap', 'counts memory plus swap, so it cannot be less than memory');
  issues.expect(memoryReservation === undefined || memory === undefined || memoryReservation <= memory, 'memoryReservation', 'cannot be more than memory');
  if (memory === undefined && memoryReservation === undefined && memorySwappiness === undefined) return undefined;
  const swap = memorySwap ?? memory;
  return {
    ...(memory !== undefined && { limit: memory }),
    ...(swap !== undefined && { swap }),
    ...(memoryReservation !== undefined && { reservation: memoryReservation }),
    ...(memorySwappiness !== undefined && { swappiness: memorySwappiness }),
  };
}

function cpuResources(settings: ContainerSettings, issues: Issues): Oci.Resources['cpu'] | undefined {
  const { cpus, cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems } = settings;
  issues.expect(cpus === undefined || (cpuQuota === undefined && cpuPeriod === undefined), 'cpus', 'stands for a quota and a period; give either');
  const cpu = {
    ...(cpuShares !== undefined && { shares: cpuShares }),
    ...(cpuQuota !== undefined && { quota: cpuQuota }),
    ...(cpuPeriod !== undefined && { period: cpuPeriod }),
    ...(cpus !== undefined && { quota: Math.round(cpus * CPU_PERIOD), period: CPU_PERIOD }),
    ...(cpusetCpus !== undefined && { cpus: cpusetCpus }),
    ...(cpusetMems !== undefined && { mems: cpusetMems }),
  };
  return Object.keys(cpu).length > 0 ? cpu : undefined;
}

async function blockIo(io: ContainerSettings['io'], issues: Issues): Promise<Oci.Resources['blockIO'] | undefined> {
  if (!io) return undefined;
  const throttle = (key: 'readBps' | 'writeBps' | 'readIops' | 'writeIops'): Promise<Oci.ThrottleDevice[]> => throttles(io[key] ?? {}, { path: `io.${key}`, issues });
  const [readBps, writeBps, readIops, writeIops] = await Promise.all([throttle('readBps'), throttle('writeBps'), throttle('readIops'), throttle('writeIops')]);
  issues.expect(io.weight === undefined || (io.weight >= 10 && io.weight <= 1000), 'io.weight', 'is between 10 and 1000');
  return {
    ...(io.weight !== undefined && { weight: io.weight }),
    ...(readBps.length > 0 && { throttleReadBpsDevice: readBps }),
    ...(writeBps.length > 0 && { throttleWriteBpsDevice: writeBps }),
    ...(readIops.length > 0 && { throttleReadIOPSDevice: readIops }),
    ...(writeIops.length > 0 && { throttleWriteIOPSDevice: writeIops }),
  };
}

/** Keys are paths of block devices, or their numbers as `major:minor`. */
async function throttles(rates: Readonly<Record<string, number>>, { path, issues }: { readonly path: string; readonly issues: Issues }): Promise<Oci.ThrottleDevice[]> {
  const found = await Promise.all(
    Object.entries(rates).map(async ([device, rate]): Promise<Oci.ThrottleDevice[]> => {
      const numbers = /^([0-9]+):([0-9]+)$/.exec(device);
      if (numbers) return [{ major: Number(numbers[1]), minor: Number(numbers[2]), rate }];
      const info = await stat(device).catch(() => undefined);
      issues.expect(info?.isBlockDevice() ?? false, at(path, device), 'is no block device of this machine');
      return info ? [{ ...deviceNumbers(info.rdev), rate }] : [];
    }),
  );
  return found.flat();
}
