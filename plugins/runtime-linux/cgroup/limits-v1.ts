/** OCI resources as writes to v1 files; the order within a controller is the order the kernel accepts. Called by `limits.ts`. */
import type { Oci } from '@core/core/plugin';
import type { CgroupLayout, Controller } from './layout.js';
import type { LimitWrite } from './limits.js';

export type LimitsByController = Partial<Record<Controller, LimitWrite[]>>;

export function limitsV1(resources: Oci.Resources, layout: Pick<CgroupLayout, 'weightFile'>): LimitsByController {
  return dropEmpty({
    memory: memory(resources.memory ?? {}),
    cpu: cpu(resources.cpu ?? {}),
    cpuset: cpuset(resources.cpu ?? {}),
    pids: (resources.pids?.limit ?? -1) >= 0 ? [{ file: 'pids.max', value: String(resources.pids?.limit) }] : [],
    rdma: rdmaWrites(resources),
    net_cls: write('net_cls.classid', resources.network?.classID),
    net_prio: (resources.network?.priorities ?? []).map(({ name, priority }) => ({ file: 'net_prio.ifpriomap', value: `${name} ${priority}` })),
    blkio: blkio(resources.blockIO ?? {}, layout.weightFile ?? 'blkio.weight'),
    hugetlb: (resources.hugepageLimits ?? []).flatMap(({ pageSize, limit }) => [
      { file: `hugetlb.${pageSize}.limit_in_bytes`, value: String(limit) },
      { file: `hugetlb.${pageSize}.rsvd.limit_in_bytes`, value: String(limit), optional: true },
    ]),
  });
}

function memory({ limit, swap, reservation, swappiness, disableOOMKiller, kernelTCP }: NonNullable<Oci.Resources['memory']>): LimitWrite[] {
  return [
    ...write('memory.limit_in_bytes', limit),
    // No swap at all is also kept where the kernel does not account swap because it has none.
    ...write('memory.memsw.limit_in_bytes', swap, { optional: swap === limit || swap === -1 }),
    ...write('memory.soft_limit_in_bytes', reservation),
    ...write('memory.kmem.tcp.limit_in_bytes', kernelTCP),
    ...write('memory.swappiness', swappiness),
    ...(disableOOMKiller === undefined ? [] : [{ file: 'memory.oom_control', value: disableOOMKiller ? '1' : '0' }]),
  ];
}

function cpu({ shares, quota, period, burst, idle, realtimePeriod, realtimeRuntime }: NonNullable<Oci.Resources['cpu']>): LimitWrite[] {
  return [
    ...write('cpu.shares', shares),
    // The period first: a quota is checked against the period in force.
    ...write('cpu.cfs_period_us', period),
    ...write('cpu.cfs_quota_us', quota),
    ...write('cpu.cfs_burst_us', burst),
    ...write('cpu.rt_period_us', realtimePeriod),
    ...write('cpu.rt_runtime_us', realtimeRuntime),
    ...write('cpu.idle', idle),
  ];
}

/** One file, and one form, in both versions. */
export function rdmaWrites({ rdma = {} }: Oci.Resources): LimitWrite[] {
  return Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]), ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`])];
    return { file: 'rdma.max', value: [device, ...limits].join(' ') };
  });
}

function cpuset({ cpus, mems }: NonNullable<Oci.Resources['cpu']>): LimitWrite[] {
  return [...write('cpuset.cpus', cpus), ...write('cpuset.mems', mems)];
}

function blkio(io: NonNullable<Oci.Resources['blockIO']>, weightFile: string): LimitWrite[] {
  const throttle = (file: string, rules: readonly Oci.ThrottleDevice[] = []): LimitWrite[] =>
    rules.map(({ major, minor, rate }) => ({ file: `blkio.throttle.${file}`, value: `${major}:${minor} ${rate}` }));
  return [
    ...write(weightFile, io.weight),
    ...(io.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      weight === undefined ? [] : [{ file: `${weightFile}_device`, value: `${major}:${minor} ${weight}` }],
    ),
    ...throttle('read_bps_device', io.throttleReadBpsDevice),
    ...throttle('write_bps_device', io.throttleWriteBpsDevice),
    ...throttle('read_iops_device', io.throttleReadIOPSDevice),
    ...throttle('write_iops_device', io.throttleWriteIOPSDevice),
  ];
}

function write(file: string, value: number | string | undefined, { optional = false } = {}): LimitWrite[] {
  if (value === undefined || value === '') return [];
  return [{ file, value: String(value), ...(optional && { optional }) }];
}

export function dropEmpty(limits: LimitsByController): LimitsByController {
  return Object.fromEntries(Object.entries(limits).filter(([, writes]) => writes.length > 0));
}
