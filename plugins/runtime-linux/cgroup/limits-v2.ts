/** OCI resources as writes to v2 files, with the conversions the OCI specification leaves to runtimes. Called by `limits.ts`. */
import type { Oci } from '@core/core/plugin';
import type { CgroupLayout, Controller } from './layout.js';
import type { LimitWrite } from './limits.js';
import { dropEmpty, rdmaWrites, type LimitsByController } from './limits-v1.js';

export function limitsV2(resources: Oci.Resources, layout: Pick<CgroupLayout, 'weightFile'>): LimitsByController {
  const limits: LimitsByController = {
    memory: memory(resources.memory ?? {}),
    cpu: cpu(resources.cpu ?? {}),
    cpuset: [...text('cpuset.cpus', resources.cpu?.cpus), ...text('cpuset.mems', resources.cpu?.mems)],
    // A process that is born in a group counts before it is there: with 0 there would be none, with 1 it can make no other.
    pids: (resources.pids?.limit ?? -1) >= 0 ? [{ file: 'pids.max', value: String(Math.max(1, resources.pids?.limit ?? 1)) }] : [],
    rdma: rdmaWrites(resources),
    blkio: io(resources.blockIO ?? {}, layout.weightFile ?? 'io.weight'),
    hugetlb: (resources.hugepageLimits ?? []).flatMap(({ pageSize, limit }) => [
      { file: `hugetlb.${pageSize}.max`, value: String(limit) },
      { file: `hugetlb.${pageSize}.rsvd.max`, value: String(limit), optional: true },
    ]),
  };
  for (const [file, value] of Object.entries(resources.unified ?? {})) {
    const prefix = file.split('.')[0] ?? '';
    const controller = (prefix === 'io' ? 'blkio' : prefix) as Controller;
    (limits[controller] ??= []).push({ file, value });
  }
  return dropEmpty(limits);
}

/** v1's `swap` counts memory too, v2's does not. */
function memory({ limit, swap, reservation }: NonNullable<Oci.Resources['memory']>): LimitWrite[] {
  const writes: LimitWrite[] = limit === undefined ? [] : [{ file: 'memory.max', value: orMax(limit) }];
  if (swap !== undefined) {
    const value = swap === -1 ? 'max' : String(Math.max(0, swap - Math.max(0, limit ?? 0)));
    writes.push({ file: 'memory.swap.max', value, ...((swap === limit || swap === -1) && { optional: true }) });
  }
  return reservation === undefined ? writes : [...writes, { file: 'memory.low', value: orMax(reservation) }];
}

function cpu({ shares, quota, period, burst, idle }: NonNullable<Oci.Resources['cpu']>): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (shares) writes.push({ file: 'cpu.weight', value: String(cpuWeight(shares)) });
  if (quota !== undefined || period !== undefined) {
    writes.push({ file: 'cpu.max', value: `${quota !== undefined && quota > 0 ? quota : 'max'} ${period ?? 100_000}` });
  }
  if (burst !== undefined) writes.push({ file: 'cpu.max.burst', value: String(burst) });
  if (idle !== undefined) writes.push({ file: 'cpu.idle', value: String(idle) });
  return writes;
}

/**
 * Shares (2 to 262144, 1024 by default) to a weight (1 to 10000, 100 by default): a curve through the three points (2, 1),
 * (1024, 100), (262144, 10000), so that the default stays the default, as runc and crun have it since 2025.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** blkio's 10 to 1000 onto io.weight's 1 to 10000; io.bfq.weight takes the number as it is. */
export function ioWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * 9999) / 990);
}

function io(limits: NonNullable<Oci.Resources['blockIO']>, weightFile: string): LimitWrite[] {
  const scaled = (weight: number): string => String(weightFile === 'io.weight' ? ioWeight(weight) : weight);
  const throttles: Array<[string, readonly Oci.ThrottleDevice[] | undefined]> = [
    ['rbps', limits.throttleReadBpsDevice],
    ['wbps', limits.throttleWriteBpsDevice],
    ['riops', limits.throttleReadIOPSDevice],
    ['wiops', limits.throttleWriteIOPSDevice],
  ];
  return [
    ...(limits.weight === undefined ? [] : [{ file: weightFile, value: scaled(limits.weight) }]),
    ...(limits.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      weight === undefined ? [] : [{ file: weightFile, value: `${major}:${minor} ${scaled(weight)}` }],
    ),
    ...throttles.flatMap(([key, rules = []]) => rules.map(({ major, minor, rate }) => ({ file: 'io.max', value: `${major}:${minor} ${key}=${rate}` }))),
  ];
}

function text(file: string, value: string | undefined): LimitWrite[] {
  return value ? [{ file, value }] : [];
}

function orMax(value: number): string {
  return value < 0 ? 'max' : String(value);
}
