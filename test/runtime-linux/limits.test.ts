/** Resources as cgroup writes: the conversions of v1 and v2, and which controllers a machine lacks. */
import type { Oci } from '@core/core/plugin';
import test from 'ava';
import { cgroupLayout } from '#runtime-linux/cgroup/layout.js';
import { missingControllers, resourceLimits } from '#runtime-linux/cgroup/limits.js';
import { cpuWeight, ioWeight } from '#runtime-linux/cgroup/limits-v2.js';
import { allowsEveryDevice } from '#runtime-linux/plan/groups.js';
import { layouts } from './helpers/machines.js';

const cases: Array<[title: string, resources: Oci.Resources, v1: string[], v2: string[]]> = [
  ['nothing', {}, [], []],
  ['memory alone', { memory: { limit: 100 } }, ['memory.limit_in_bytes=100'], ['memory.max=100']],
  ['no swap', { memory: { limit: 100, swap: 100 } }, ['memory.limit_in_bytes=100', 'memory.memsw.limit_in_bytes=100?'], ['memory.max=100', 'memory.swap.max=0?']],
  ['some swap', { memory: { limit: 100, swap: 250 } }, ['memory.limit_in_bytes=100', 'memory.memsw.limit_in_bytes=250'], ['memory.max=100', 'memory.swap.max=150']],
  ['all the swap', { memory: { limit: 100, swap: -1 } }, ['memory.limit_in_bytes=100', 'memory.memsw.limit_in_bytes=-1?'], ['memory.max=100', 'memory.swap.max=max?']],
  ['no memory limit any more', { memory: { limit: -1 } }, ['memory.limit_in_bytes=-1'], ['memory.max=max']],
  ['reservation', { memory: { reservation: 50 } }, ['memory.soft_limit_in_bytes=50'], ['memory.low=50']],
  ['a quota of cpu', { cpu: { quota: 50_000, period: 100_000 } }, ['cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=50000'], ['cpu.max=50000 100000']],
  ['a quota without a period', { cpu: { quota: 50_000 } }, ['cpu.cfs_quota_us=50000'], ['cpu.max=50000 100000']],
  ['no quota any more', { cpu: { quota: -1 } }, ['cpu.cfs_quota_us=-1'], ['cpu.max=max 100000']],
  ['shares', { cpu: { shares: 1024 } }, ['cpu.shares=1024'], ['cpu.weight=100']],
  ['a cpuset', { cpu: { cpus: '0-1', mems: '0' } }, ['cpuset.cpus=0-1', 'cpuset.mems=0'], ['cpuset.cpus=0-1', 'cpuset.mems=0']],
  ['pids', { pids: { limit: 7 } }, ['pids.max=7'], ['pids.max=7']],
  ['no process but the first', { pids: { limit: 0 } }, ['pids.max=0'], ['pids.max=1']],
  ['pids without a limit', { pids: { limit: -1 } }, [], []],
  ['a weight of io', { blockIO: { weight: 1000 } }, ['blkio.bfq.weight=1000'], ['io.weight=10000']],
  [
    'throttles of io',
    { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }], throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 3 }] } },
    ['blkio.throttle.read_bps_device=8:0 9', 'blkio.throttle.write_iops_device=8:16 3'],
    ['io.max=8:0 rbps=9', 'io.max=8:16 wiops=3'],
  ],
];

for (const [title, resources, v1, v2] of cases) {
  for (const [mode, expected] of [['v1', v1], ['v2', v2]] as const) {
    test(`${mode}: ${title}`, (t) => {
      const limits = resourceLimits(layouts[mode], { path: '/core/x', resources });
      t.deepEqual(limits.flatMap(({ writes }) => writes.map(({ file, value, optional }) => `${file}=${value}${optional ? '?' : ''}`)), expected);
    });
  }
}

test('hybrid: each controller is set where it is', (t) => {
  const limits = resourceLimits(layouts.hybrid, { path: '/core/x', resources: { memory: { limit: 1 }, hugepageLimits: [{ pageSize: '2MB', limit: 4 }] } });
  t.deepEqual(limits.map(({ folder, version }) => [folder, version]), [['/sys/fs/cgroup/memory/core/x', 1], ['/sys/fs/cgroup/unified/core/x', 2]]);
  t.deepEqual(limits[1]?.writes, [{ file: 'hugetlb.2MB.max', value: '4' }, { file: 'hugetlb.2MB.rsvd.max', value: '4', optional: true }]);
});

test('a controller the machine lacks is named', (t) => {
  t.deepEqual(missingControllers(layouts.v1, { hugepageLimits: [{ pageSize: '2MB', limit: 4 }], pids: { limit: 5 } }), ['hugetlb']);
  t.deepEqual(missingControllers(layouts.v2, { hugepageLimits: [{ pageSize: '2MB', limit: 4 }], pids: { limit: 5 } }), []);
});

test('cpu weights keep the ends and the default, and grow', (t) => {
  t.deepEqual([2, 1024, 262_144].map(cpuWeight), [1, 100, 10_000]);
  const weights = [2, 10, 100, 512, 1024, 2048, 10_000, 100_000, 262_144].map(cpuWeight);
  t.deepEqual(weights, [...weights].sort((a, b) => a - b));
});

test('io weights map 10..1000 onto 1..10000', (t) => {
  t.deepEqual([10, 1000].map(ioWeight), [1, 10_000]);
});

test('devices are left alone only where the last rule allows all', (t) => {
  t.true(allowsEveryDevice({}));
  t.true(allowsEveryDevice({ devices: [{ allow: false }, { allow: true, access: 'rwm' }] }));
  t.false(allowsEveryDevice({ devices: [{ allow: false }] }));
  t.false(allowsEveryDevice({ devices: [{ allow: true, type: 'c', major: 1, minor: 3 }] }));
  t.false(allowsEveryDevice({ devices: [{ allow: true, access: 'r' }] }));
});

const line = (target: string, type: string, options: string): string => `30 20 0:26 / ${target} rw,nosuid shared:4 - ${type} none rw,${options}`;

test('a hierarchy that something is mounted over is not there', (t) => {
  const table = ['21 1 0:2 / /sys rw - sysfs none rw', '30 21 0:26 / /sys/fs/cgroup rw - tmpfs none rw', '31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup none rw,memory', '32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 none rw'];
  const over = ['40 30 0:29 / /sys/fs/cgroup rw - tmpfs none rw', '41 40 0:27 / /sys/fs/cgroup/memory rw - cgroup none rw,memory'];
  t.like(cgroupLayout(table.join('\n'), () => ''), { mode: 'hybrid' });
  t.like(cgroupLayout([...table, ...over].join('\n'), () => ''), { mode: 'v1', unified: undefined, v1: { memory: '/sys/fs/cgroup/memory' } });
  t.like(cgroupLayout([...table, '50 1 0:30 / / rw - ext4 x rw'].join('\n'), () => ''), { mode: 'none' });
});

test('the layout of a machine is read from its mounts', (t) => {
  const v1 = [line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'), line('/sys/fs/cgroup/memory', 'cgroup', 'memory'), line('/other\\040place/memory', 'cgroup', 'memory')].join('\n');
  const two = line('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate');
  t.like(cgroupLayout(v1, () => ''), { mode: 'v1', unified: undefined, v1: { cpu: '/sys/fs/cgroup/cpu,cpuacct', cpuacct: '/sys/fs/cgroup/cpu,cpuacct', memory: '/other place/memory' } });
  t.like(cgroupLayout(`${v1}\n${two}`, () => 'hugetlb\n'), { mode: 'hybrid', unified: '/sys/fs/cgroup/unified', unifiedControllers: ['hugetlb'] });
  t.like(cgroupLayout(two, () => 'cpuset cpu io memory hugetlb pids rdma'), { mode: 'v2', unifiedControllers: ['memory', 'cpu', 'cpuset', 'pids', 'blkio', 'hugetlb', 'rdma'] });
  t.is(cgroupLayout('', () => '').mode, 'none');
});
