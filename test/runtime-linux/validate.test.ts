/** Bad specs: each names the field, and nothing else is complained about. */
import type { CreateRequest, Oci } from '@core/core/plugin';
import { CoreError } from '@core/core/plugin';
import test from 'ava';
import { checkCreate } from '#runtime-linux/validate/index.js';
import { warnings } from '#runtime-linux/validate/warnings.js';
import { machine } from './helpers/machines.js';

const good: CreateRequest = {
  id: 'web',
  spec: {
    ociVersion: '1.2.1',
    process: { args: ['true'], cwd: '/', env: ['A=b'], user: { uid: 0, gid: 0 } },
    hostname: 'box',
    mounts: [{ destination: '/proc', type: 'proc' }],
    linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'network' }, { type: 'user' }], uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }], gidMappings: [{ containerID: 0, hostID: 1000, size: 10 }] },
  },
  rootfs: { kind: 'overlay', lowers: ['/'] },
};

type Change = (request: { id: string; spec: Oci.Spec; rootfs: CreateRequest['rootfs']; io?: CreateRequest['io'] }) => void;
const linux = (over: object): Change => (request) => Object.assign(request.spec.linux as object, over);
const program = (over: object): Change => (request) => Object.assign(request.spec.process as object, over);
const resources = (over: object): Change => linux({ resources: over });
const mount = (over: object): Change => (request) => request.spec.mounts?.push({ destination: '/x', type: 'tmpfs', ...over } as Oci.Mount);
const seccomp = (over: object): Change => linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...over } });
const rule = (over: object): Change => seccomp({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', ...over }] });

const cases: Array<[path: string, change: Change, also?: string]> = [
  ['id', (request) => (request.id = '../up')],
  ['id', (request) => (request.id = '')],
  ['spec', (request) => (request.spec = null as never)],
  ['rootfs', (request) => (request.rootfs = undefined as never)],
  ['rootfs.kind', (request) => (request.rootfs = { kind: 'magic' } as never)],
  ['rootfs.path', (request) => (request.rootfs = { kind: 'folder', path: 'relative' })],
  ['rootfs.idmap', (request) => (request.rootfs = { kind: 'folder', path: '/srv', idmap: 'no' as never })],
  ['rootfs.lowers', (request) => (request.rootfs = { kind: 'overlay', lowers: [] })],
  ['rootfs.lowers[0]', (request) => (request.rootfs = { kind: 'overlay', lowers: ['/a/../b'] })],
  ['rootfs.masks[1]', (request) => (request.rootfs = { kind: 'overlay', lowers: ['/'], masks: ['/a', 'b'] })],
  ['io.log.maxBytes', (request) => (request.io = { log: { maxBytes: 3 } })],
  ['io.log.maxFiles', (request) => (request.io = { log: { maxFiles: 0 } })],
  ['spec.process', (request) => delete request.spec.process],
  ['spec.process.args', program({ args: [] })],
  ['spec.process.args[0]', program({ args: [''] })],
  ['spec.process.args[1]', program({ args: ['a', 'b\0c'] })],
  ['spec.process.env[0]', program({ env: ['novalue'] })],
  ['spec.process.env[1]', program({ env: ['A=b', '=c'] })],
  ['spec.process.cwd', program({ cwd: 'tmp' })],
  ['spec.process.user', program({ user: undefined })],
  ['spec.process.user.uid', program({ user: { uid: -1, gid: 0 } })],
  ['spec.process.user.gid', program({ user: { uid: 0, gid: 2 ** 32 } })],
  ['spec.process.user.umask', program({ user: { uid: 0, gid: 0, umask: 0o1777 } })],
  ['spec.process.user.additionalGids[0]', program({ user: { uid: 0, gid: 0, additionalGids: [1.5] } })],
  ['spec.process.oomScoreAdj', program({ oomScoreAdj: 2000 })],
  ['spec.ociVersion', (request) => (request.spec.ociVersion = '2.0.0')],
  ['spec.ociVersion', (request) => (request.spec.ociVersion = '1.4')],
  ['spec.annotations["a.b"]', (request) => (request.spec.annotations = { 'a.b': 1 as never })],
  ['spec.process.capabilities.bounding', program({ capabilities: { bounding: 'ALL' } })],
  ['spec.process.commandLine', program({ commandLine: 'cmd' })],
  ['spec.process.scheduler.policy', program({ scheduler: { policy: 'SCHED_FAST' } })],
  ['spec.process.scheduler.nice', program({ scheduler: { policy: 'SCHED_OTHER', nice: 20 } })],
  ['spec.process.scheduler.priority', program({ scheduler: { policy: 'SCHED_FIFO' } })],
  ['spec.process.scheduler.priority', program({ scheduler: { policy: 'SCHED_BATCH', priority: 1 } })],
  ['spec.process.scheduler.flags[0]', program({ scheduler: { policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_X'] } })],
  ['spec.process.scheduler.runtime', program({ scheduler: { policy: 'SCHED_OTHER', runtime: 5 } })],
  ['spec.process.scheduler.runtime', program({ scheduler: { policy: 'SCHED_DEADLINE', deadline: 5 } })],
  ['spec.process.scheduler.deadline', program({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 6, deadline: 5 } })],
  ['spec.process.scheduler.period', program({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 4, deadline: 5, period: 4 } })],
  ['spec.process.ioPriority.class', program({ ioPriority: { class: 'IOPRIO_CLASS_X', priority: 0 } })],
  ['spec.process.ioPriority.priority', program({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } })],
  ['spec.process.execCPUAffinity.final', program({ execCPUAffinity: { initial: '0', final: '3-1' } })],
  ['spec.linux.personality.domain', linux({ personality: { domain: 'BSD' } })],
  ['spec.linux.personality.flags', linux({ personality: { domain: 'LINUX', flags: ['X'] } })],
  ['spec.linux.memoryPolicy.mode', linux({ memoryPolicy: { mode: 'MPOL_X' } })],
  ['spec.linux.memoryPolicy.nodes', linux({ memoryPolicy: { mode: 'MPOL_BIND' } })],
  ['spec.linux.memoryPolicy.nodes', linux({ memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } })],
  ['spec.linux.memoryPolicy.flags[0]', linux({ memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_X'] } })],
  ['spec.process.rlimits[0].type', program({ rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] })],
  ['spec.process.rlimits[0]', program({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 2, hard: 1 }] })],
  ['spec.process.rlimits[1].type', program({ rlimits: [{ type: 'RLIMIT_CPU', soft: 1, hard: 1 }, { type: 'RLIMIT_CPU', soft: 1, hard: 1 }] })],
  ['spec.hostname', (request) => (request.spec.hostname = 'x'.repeat(65))],
  ['spec.domainname', (request) => { request.spec.domainname = 'd'; delete request.spec.hostname; request.spec.linux = { namespaces: [] }; }],
  ['spec.mounts[1].destination', mount({ destination: '/a/../b' })],
  ['spec.mounts[1].destination', mount({ destination: '/' })],
  ['spec.mounts[1].type', mount({ type: undefined })],
  ['spec.mounts[1].type', mount({ type: 'TMPFS ' })],
  ['spec.mounts[1].source', mount({ type: 'bind' })],
  ['spec.mounts[1].source', mount({ type: 'none', options: ['rbind'], source: 'relative' })],
  ['spec.mounts[1].options', mount({ type: 'bind', source: '/a', options: ['size=1'] })],
  ['spec.mounts[1].options', mount({ type: 'none', options: ['remount', 'size=1'] })],
  ['spec.mounts[1].options', mount({ type: 'cgroup', options: ['name=x'] })],
  ['spec.mounts[1].gidMappings', mount({ type: 'bind', source: '/a', uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
  ['spec.mounts[1].uidMappings[0]', mount({ type: 'bind', source: '/a', uidMappings: [{ containerID: 0, hostID: -1, size: 1 }], gidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
  ['spec.mounts[1]', mount({ uidMappings: [{ containerID: 0, hostID: 1, size: 1 }], gidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
  ['spec.mounts[1].options', mount({ options: ['idmap'] })],
  ['spec.mounts[1].options', mount({ type: 'bind', source: '/a', options: ['tmpcopyup'] })],
  ['spec.mounts[1].options', mount({ type: 'proc', options: ['tmpcopyup'] })],
  ['spec.mounts[1].options[0]', mount({ options: [5] })],
  ['spec.linux.namespaces[4].type', (request) => request.spec.linux?.namespaces?.push({ type: 'moon' as never })],
  ['spec.linux.namespaces[4].type', (request) => request.spec.linux?.namespaces?.push({ type: 'uts' })],
  ['spec.linux.namespaces[4].path', (request) => request.spec.linux?.namespaces?.push({ type: 'time', path: '/proc/1/ns/time' })],
  ['spec.linux.namespaces[4].path', (request) => request.spec.linux?.namespaces?.push({ type: 'ipc', path: 'ns' })],
  ['spec.linux.uidMappings', linux({ uidMappings: [{ containerID: 5, hostID: 1000, size: 10 }] })],
  ['spec.linux.gidMappings[0]', linux({ gidMappings: [{ containerID: 0, hostID: 0xffffffff, size: 2 }] })],
  ['spec.linux.uidMappings[1]', linux({ uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }, { containerID: 20, hostID: 1005, size: 10 }] })],
  ['spec.linux.netDevices', linux({ netDevices: { eth0: {} } })],
  ['spec.linux.timeOffsets', linux({ timeOffsets: { boottime: { secs: 1 } } })],
  ['spec.linux.timeOffsets.realtime', (request) => { request.spec.linux?.namespaces?.push({ type: 'time' }); Object.assign(request.spec.linux as object, { timeOffsets: { realtime: { secs: 1 } } }); }],
  ['spec.linux.devices[0].path', linux({ devices: [{ type: 'c', path: 'null', major: 1, minor: 3 }] })],
  ['spec.linux.devices[0].type', linux({ devices: [{ type: 'z', path: '/dev/x', major: 1, minor: 3 }] })],
  ['spec.linux.devices[0]', linux({ devices: [{ type: 'c', path: '/dev/x' }] })],
  ['spec.linux.maskedPaths[0]', linux({ maskedPaths: ['proc'] })],
  ['spec.linux.readonlyPaths[0]', linux({ readonlyPaths: ['/proc/../etc'] })],
  ['spec.linux.sysctl["kernel.domainname"]', (request) => { request.spec.domainname = 'a'; Object.assign(request.spec.linux as object, { sysctl: { 'kernel.domainname': 'b' } }); }],
  ['spec.linux.sysctl["kernel.panic"]', linux({ sysctl: { 'kernel.panic': '1' } })],
  ['spec.linux.sysctl["net.ipv4.ip_forward/../../x"]', linux({ sysctl: { 'net.ipv4.ip_forward/../../x': '1' } })],
  ['spec.linux.sysctl["kernel.shmmax"]', linux({ sysctl: { 'kernel.shmmax': '1' } })],
  ['spec.linux.cgroupsPath', linux({ cgroupsPath: 'a/b' })],
  ['spec.linux.cgroupsPath', linux({ cgroupsPath: '/a/../..' })],
  ['spec.linux.rootfsPropagation', linux({ rootfsPropagation: 'public' })],
  ['spec.linux.resources.memory.limit', resources({ memory: { limit: 1.5 } })],
  ['spec.linux.resources.memory.swap', resources({ memory: { swap: 100 } })],
  ['spec.linux.resources.memory.swap', resources({ memory: { limit: 100, swap: 50 } })],
  ['spec.linux.resources.memory.swappiness', resources({ memory: { swappiness: 101 } })],
  ['spec.linux.resources.cpu.period', resources({ cpu: { period: 10 } })],
  ['spec.linux.resources.cpu.quota', resources({ cpu: { quota: 0 } })],
  ['spec.linux.resources.cpu.idle', resources({ cpu: { idle: 2 } })],
  ['spec.linux.resources.cpu.burst', resources({ cpu: { quota: 1000, burst: 2000 } })],
  ['spec.linux.resources.rdma.mlx5_0', resources({ rdma: { mlx5_0: {} } })],
  ['spec.linux.resources.network.classID', resources({ network: { classID: -1 } })],
  ['spec.linux.resources.network.priorities[0]', resources({ network: { priorities: [{ name: 'a b', priority: 1 }] } })],
  ['spec.linux.resources.cpu.cpus', resources({ cpu: { cpus: '0-' } })],
  ['spec.linux.resources.pids.limit', resources({ pids: { limit: 'many' } })],
  ['spec.linux.resources.blockIO.weight', resources({ blockIO: { weight: 5 } })],
  ['spec.linux.resources.blockIO.throttleReadBpsDevice[0]', resources({ blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0 }] } })],
  ['spec.linux.resources.hugepageLimits[0].pageSize', resources({ hugepageLimits: [{ pageSize: '2M', limit: 1 }] })],
  ['spec.linux.resources.devices[0].access', resources({ devices: [{ allow: true, access: 'x' }] })],
  ['spec.linux.resources.unified["memory.high"]', resources({ unified: { 'memory.high': '1' } })],
  ['spec.linux.resources.unified["../memory.max"]', resources({ unified: { '../memory.max': '1' } }), 'spec.linux.resources.unified["../memory.max"]'],
  ['spec.linux.seccomp.defaultAction', seccomp({ defaultAction: 'ALLOW' })],
  ['spec.linux.seccomp.defaultAction', seccomp({ defaultAction: 'SCMP_ACT_NOTIFY' })],
  ['spec.linux.seccomp.defaultErrnoRet', seccomp({ defaultErrnoRet: 1 })],
  ['spec.linux.seccomp.listenerPath', rule({ action: 'SCMP_ACT_NOTIFY' })],
  ['spec.linux.seccomp.listenerMetadata', seccomp({ listenerMetadata: 'x' })],
  ['spec.linux.seccomp.syscalls[0].errnoRet', rule({ action: 'SCMP_ACT_KILL', errnoRet: 1 })],
  ['spec.linux.seccomp.architectures[0]', seccomp({ architectures: ['SCMP_ARCH_PDP11'] })],
  ['spec.linux.seccomp.flags[0]', seccomp({ flags: ['SECCOMP_FILTER_FLAG_X'] })],
  ['spec.linux.seccomp.listenerPath', seccomp({ listenerPath: '/run/x' })],
  ['spec.linux.seccomp.listenerPath', seccomp({ listenerPath: 'x' })],
  ['spec.linux.seccomp.syscalls[0].names', rule({ names: [] })],
  ['spec.linux.seccomp.syscalls[0].action', rule({ action: 'NO' })],
  ['spec.linux.seccomp.syscalls[0].errnoRet', rule({ errnoRet: -1 })],
  ['spec.linux.seccomp.syscalls[0].args[0].index', rule({ args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] })],
  ['spec.linux.seccomp.syscalls[0].args[0].op', rule({ args: [{ index: 0, value: 0, op: '==' }] })],
  ['spec.linux.seccomp.syscalls[0].args[0].value', rule({ args: [{ index: 0, value: 2 ** 60, op: 'SCMP_CMP_EQ' }] })],
];

test('a good request passes', (t) => t.notThrows(() => checkCreate(good, machine('hybrid'))));

cases.forEach(([path, change, also], index) => {
  test(`${index}: ${path}`, (t) => {
    const request = structuredClone(good) as Parameters<Change>[0];
    change(request);
    const error = t.throws(() => checkCreate(request as CreateRequest, machine('hybrid')), { instanceOf: CoreError, code: 'E_INVALID' });
    t.deepEqual([...new Set(error?.issues.map((issue) => issue.path))], [...new Set([path, ...(also ? [also] : [])])]);
    t.true(error?.message.includes(path));
  });
});

test('every fault is told at once', (t) => {
  const request = structuredClone(good) as Parameters<Change>[0];
  request.id = '';
  program({ args: [], cwd: 'x' })(request);
  const error = t.throws(() => checkCreate(request as CreateRequest, machine('hybrid')), { instanceOf: CoreError });
  t.deepEqual(error?.issues.map(({ path }) => path), ['id', 'spec.process.args', 'spec.process.cwd']);
});

test('what the machine lacks is E_UNSUPPORTED', (t) => {
  const request = structuredClone(good) as Parameters<Change>[0];
  resources({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] })(request);
  t.notThrows(() => checkCreate(request as CreateRequest, machine('hybrid')));
  t.throws(() => checkCreate(request as CreateRequest, machine('v1')), { code: 'E_UNSUPPORTED' });
});

const refused: ReadonlyArray<[says: string, on: 'v1' | 'hybrid' | 'v2', change: Change]> = [
  ['process.apparmorProfile', 'hybrid', program({ apparmorProfile: 'docker-default' })],
  ['process.selinuxLabel', 'hybrid', program({ selinuxLabel: 'system_u:system_r:container_t:s0' })],
  ['linux.mountLabel', 'hybrid', linux({ mountLabel: 'system_u:object_r:container_file_t:s0' })],
  ['linux.intelRdt', 'hybrid', linux({ intelRdt: { closID: 'a' } })],
  ['memory.swappiness', 'v2', resources({ memory: { swappiness: 10 } })],
  ['memory.disableOOMKiller', 'v2', resources({ memory: { disableOOMKiller: true } })],
  ['memory.kernelTCP', 'v2', resources({ memory: { kernelTCP: 5 } })],
  ['memory.useHierarchy', 'v1', resources({ memory: { useHierarchy: false } })],
  ['cpu.realtimeRuntime', 'v2', resources({ cpu: { realtimeRuntime: 5 } })],
  ['leafWeight', 'v1', resources({ blockIO: { leafWeight: 10 } })],
  ['rdma', 'v2', resources({ rdma: { mlx5_0: { hcaHandles: 3 } } })],
  ['net_cls', 'v2', resources({ network: { classID: 1 } })],
  ['net_prio', 'v2', resources({ network: { priorities: [{ name: 'lo', priority: 1 }] } })],
];

for (const [says, on, change] of refused) {
  test(`E_UNSUPPORTED on ${on}: ${says}`, (t) => {
    const request = structuredClone(good) as Parameters<Change>[0];
    change(request);
    const error = t.throws(() => checkCreate(request as CreateRequest, machine(on)), { instanceOf: CoreError, code: 'E_UNSUPPORTED' });
    t.true(error?.message.includes(says), error?.message);
  });
}

test('labels are for machines with the security module', (t) => {
  const request = structuredClone(good) as Parameters<Change>[0];
  program({ apparmorProfile: 'docker-default', selinuxLabel: 'a:b:c' })(request);
  t.notThrows(() => checkCreate(request as CreateRequest, { ...machine('hybrid'), modules: new Set(['apparmor', 'selinux']) }));
});

test('what the specification lets a runtime leave out is told', (t) => {
  const spec: Oci.Spec = { ...good.spec, process: { ...good.spec.process as Oci.Process, capabilities: { bounding: ['CAP_CHOWN', 'CAP_FLY'] } }, linux: { resources: { memory: { kernel: 5 } } } };
  const said = warnings(spec, machine('hybrid'));
  t.is(said.length, 2);
  t.true(said[0]?.endsWith('CAP_FLY'));
  t.deepEqual(warnings(good.spec, machine('hybrid')), []);
  t.regex(warnings({ ...good.spec, ociVersion: '1.4.0' }, machine('hybrid')).join(), /1\.4\.0/);
});
