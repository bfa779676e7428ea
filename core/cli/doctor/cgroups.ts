/** Which control groups there are, and which controllers may be used. */
import { failed, limited, ok, type Check, type Finding } from './check.js';
import type { Machine } from './machine.js';

const COSTS: Readonly<Record<string, string>> = {
  cpu: 'No cpu limits (`cpus`, `cpuShares`).',
  cpuset: 'Containers cannot be bound to cores.',
  memory: 'No memory limits, and no word of out-of-memory kills.',
  pids: 'No limit to the number of processes: a fork bomb inside reaches the machine.',
  io: 'No limits to disk bandwidth.',
  hugetlb: 'No limits to huge pages.',
};

/** Where v1 has another name. */
const V1_NAMES: Readonly<Record<string, string>> = { io: 'blkio' };

export const cgroupChecks: readonly Check[] = [
  { name: 'mode', group: 'cgroups', run: mode },
  ...Object.entries(COSTS).map(([controller, cost]): Check => ({ name: controller, group: 'cgroups', run: (machine) => hasController(machine, controller, cost) })),
  { name: 'freezer', group: 'cgroups', run: freezer },
];

interface Groups {
  /** Mount point of the v2 tree. */
  readonly v2?: string | undefined;
  /** v1 controllers and where they are mounted. */
  readonly v1: ReadonlyMap<string, string>;
}

async function mode(machine: Machine): Promise<Finding> {
  const { v2, v1 } = await groups(machine);
  if (!v2 && v1.size === 0) {
    return failed('no control group is mounted', { cost: 'Containers have no limits, and cannot be ended as a whole.', mend: 'mount -t cgroup2 none /sys/fs/cgroup' });
  }
  if (v1.size === 0 && v2) return delegation(machine, v2);
  if (machine.uid !== 0) return limited(v2 ? 'hybrid' : 'v1', { cost: 'No limits and no pausing without root, unless somebody gave this user groups of his own.', mend: 'Boot with systemd.unified_cgroup_hierarchy=1, then see here again.' });
  const found = v2 ? 'hybrid: v1 controllers beside a v2 tree' : 'v1';
  return limited(found, { cost: 'All works; ending and freezing a container takes longer than with v2 alone.', mend: 'Boot with systemd.unified_cgroup_hierarchy=1.' });
}

async function delegation(machine: Machine, v2: string): Promise<Finding> {
  const own = /^0::(.*)$/m.exec((await machine.read('/proc/self/cgroup')) ?? '')?.[1] ?? '/';
  if (machine.uid === 0 || (await machine.writable(`${v2}${own}`))) return ok('v2');
  return limited(`v2, ${own} may not be written`, { cost: 'No limits and no pausing without root.', mend: 'Ask systemd to delegate: systemd-run --user --scope -p Delegate=yes core ...' });
}

async function hasController(machine: Machine, controller: string, cost: string): Promise<Finding> {
  const { v2, v1 } = await groups(machine);
  const inTree = ((await machine.read(`${v2}/cgroup.controllers`)) ?? '').trim().split(' ').includes(controller);
  if (v2 && inTree) return ok('v2');
  if (v1.has(V1_NAMES[controller] ?? controller)) return ok('v1');
  return limited('not available', { cost, mend: (await mendController(machine, V1_NAMES[controller] ?? controller)) });
}

/** /proc/cgroups has a line `name hierarchy groups enabled` for each controller the kernel was built with. */
async function mendController(machine: Machine, controller: string): Promise<string> {
  const line = ((await machine.read('/proc/cgroups')) ?? '').split('\n').find((line) => line.startsWith(`${controller}\t`));
  if (!line) return `Boot a kernel with the ${controller} controller.`;
  return line.trim().endsWith('\t0') ? `Boot with cgroup_enable=${controller}.` : 'Mount its hierarchy, or ask whoever set up this machine to pass it on.';
}

async function freezer(machine: Machine): Promise<Finding> {
  const { v2, v1 } = await groups(machine);
  if (v1.has('freezer')) return ok('v1');
  return v2 ? ok('v2') : limited('not available', { cost: '`pause` and `resume` fail.', mend: 'Mount the freezer hierarchy.' });
}

async function groups(machine: Machine): Promise<Groups> {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of ((await machine.read('/proc/self/mountinfo')) ?? '').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4] ?? '';
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') v2 ??= point;
    if (type === 'cgroup') for (const option of options.split(',')) v1.set(option, point);
  }
  return { v2, v1 };
}
