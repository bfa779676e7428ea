/** Machines to compile plans for: what `hostFacts` would say of them. */
import type { ContainerSettings } from '@core/core/plugin';
import type { CgroupLayout } from '#runtime-linux/cgroup/layout.js';
import type { HostFacts } from '#runtime-linux/plan/index.js';

const v1 = Object.fromEntries(['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'blkio', 'devices', 'freezer'].map((name) => [name, `/sys/fs/cgroup/${name}`]));

export const layouts = {
  v1: { mode: 'v1', unifiedControllers: [], v1: { ...v1, cpu: '/sys/fs/cgroup/cpu,cpuacct', cpuacct: '/sys/fs/cgroup/cpu,cpuacct' }, weightFile: 'blkio.bfq.weight', devicesParent: '/core/0123456789ab' },
  hybrid: { mode: 'hybrid', unified: '/sys/fs/cgroup/unified', unifiedControllers: ['hugetlb'], v1 },
  v2: { mode: 'v2', unified: '/sys/fs/cgroup', unifiedControllers: ['memory', 'cpu', 'cpuset', 'pids', 'blkio', 'hugetlb'], v1: {}, weightFile: 'io.weight' },
} as const satisfies Record<string, CgroupLayout>;

export function machine(mode: keyof typeof layouts): HostFacts {
  return { cgroups: layouts[mode], lastCapability: 40, modules: new Set(), absent: new Set(['/proc/asound', '/proc/scsi']) };
}

export function settings(over: Partial<ContainerSettings> = {}): ContainerSettings {
  return {
    image: 'any',
    command: ['/bin/true'],
    shmSize: 64 * 1024 * 1024,
    rlimits: [],
    mounts: [],
    log: { maxBytes: 1 << 20, maxFiles: 2 },
    network: 'none',
    stopTimeout: 10,
    pids: 4096,
    maskedPaths: ['/proc/kcore', '/proc/asound', '/sys/firmware'],
    readonlyPaths: ['/proc/sys', '/proc/scsi'],
    ...over,
  };
}

export const specDefaults = { ids: { first: 100_000, size: 65_536 }, lastCapability: 40 };

const containers = '/var/lib/core/containers';
export const paths = { dir: '/run/core/c/web', state: `${containers}/kept/web`, upper: `${containers}/upper/web`, work: `${containers}/work/web`, cgroup: '/core/0123456789ab/web' };
