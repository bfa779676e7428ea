/** rdma, net_cls and net_prio: a container that asks for them brings them along, and no other one pays. */
import type { CreateRequest, Oci } from '@core/core/plugin';
import test from 'ava';
import type { CgroupLayout } from '#runtime-linux/cgroup/layout.js';
import { compilePlan } from '#runtime-linux/plan/index.js';
import { layouts, machine, paths } from './helpers/machines.js';

const NET = '/sys/fs/cgroup/net_cls,net_prio';
const hybrid: CgroupLayout = { ...layouts.hybrid, v1: { ...layouts.hybrid.v1, rdma: '/sys/fs/cgroup/rdma', net_cls: NET, net_prio: NET } };
const v2: CgroupLayout = { ...layouts.v2, unifiedControllers: [...layouts.v2.unifiedControllers, 'rdma'] };

function about(cgroups: CgroupLayout, resources: Oci.Resources): string[] {
  const spec: CreateRequest['spec'] = {
    ociVersion: '1.3.0',
    process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
    linux: { namespaces: [{ type: 'mount' }], resources },
  };
  const plan = compilePlan({ id: 'web', spec, rootfs: { kind: 'overlay', lowers: ['/'] }, io: { stdin: false, stdinOnce: false, log: null }, paths, host: { ...machine('hybrid'), cgroups } });
  return plan.prepare.map((step) => step.slice(0, 3).join(' ')).filter((text) => /net_|rdma/.test(text));
}

test('a container that does not ask for them makes nothing of theirs', (t) => {
  t.deepEqual(about(hybrid, { pids: { limit: 5 } }), []);
  t.deepEqual(about(v2, { pids: { limit: 5 } }), []);
});

test('v1: the groups above are made on the way down, once for two controllers of one hierarchy', (t) => {
  t.deepEqual(about(hybrid, { network: { classID: 0x100001, priorities: [{ name: 'lo', priority: 3 }, { name: 'eth0', priority: 5 }] } }), [
    `mkdir ${NET}/core 493`,
    `mkdir ${NET}/core/0123456789ab 493`,
    `mkdir ${NET}/core/0123456789ab/web 493`,
    `write ${NET}/core/0123456789ab/web/net_cls.classid 1048577`,
    `write ${NET}/core/0123456789ab/web/net_prio.ifpriomap lo 3`,
    `write ${NET}/core/0123456789ab/web/net_prio.ifpriomap eth0 5`,
    `open 0 ${NET}/core/0123456789ab/web/tasks`,
  ]);
});

test('v2: the controller is switched on on the way down', (t) => {
  t.deepEqual(about(v2, { rdma: { mlx5_0: { hcaHandles: 3, hcaObjects: 1000 }, mlx5_1: { hcaObjects: 2 } } }), [
    'write /sys/fs/cgroup/cgroup.subtree_control +rdma',
    'write /sys/fs/cgroup/core/cgroup.subtree_control +rdma',
    'write /sys/fs/cgroup/core/0123456789ab/cgroup.subtree_control +rdma',
    'write /sys/fs/cgroup/core/0123456789ab/web/rdma.max mlx5_0 hca_handle=3 hca_object=1000',
    'write /sys/fs/cgroup/core/0123456789ab/web/rdma.max mlx5_1 hca_object=2',
  ]);
});
