import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checks, examine, openMachine } from '#core/cli/doctor/index.js';
import { atLeast, type MachineOptions } from '#core/cli/doctor/machine.js';

const SYSCALLS = ['fsopen', 'fsconfig', 'fsmount', 'move_mount', 'open_tree', 'mount_setattr', 'openat2', 'clone3', 'pidfd_open', 'pidfd_send_signal', 'close_range'];

/** A machine on which all is well. */
const whole: Readonly<Record<string, string>> = {
  '/proc/kallsyms': [...SYSCALLS.map((name) => `0000000000000000 T __x64_sys_${name}`), '0000000000000000 t nf_tables_newtable', ''].join('\n'),
  '/proc/self/ns/user': '',
  '/proc/sys/user/max_user_namespaces': '1000\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process kill_thread trap errno user_notif trace log allow\n',
  '/proc/net/netlink': '',
  '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  '/proc/self/mountinfo': '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n',
  '/proc/self/cgroup': '0::/user.slice\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids\n',
  '/proc/filesystems': 'nodev\tproc\nnodev\toverlay\n\text4\n',
  '/proc/self/limits': 'Max open files            1024                 1048576              files     \n',
  '/proc/sys/kernel/pid_max': '4194304\n',
  '/proc/meminfo': 'MemTotal: 9 kB\nMemAvailable:   8000000 kB\n',
  '/var/lib/core/x': '',
};

async function machine(t: ExecutionContext, changes: Readonly<Record<string, string | undefined>>, options: MachineOptions) {
  const root = await mkdtemp(join(tmpdir(), 'doctor-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...whole, ...changes })) {
    if (text === undefined) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return openMachine({ root, kernel: '6.8.0-45-generic', node: '22.1.0', uid: 0, ...options });
}

const macro = test.macro(async (t, { changes = {}, options = {}, lacks }: { changes?: Readonly<Record<string, string | undefined>>; options?: MachineOptions; lacks: Readonly<Record<string, 'limited' | 'failed'>> }) => {
  const found = await examine(await machine(t, changes, options));
  const lacking = found.filter(({ status, group, name }) => status !== 'ok' && group !== 'program' && name !== 'file system' && name !== 'free space' || (name === 'node' && status !== 'ok'));
  t.deepEqual(Object.fromEntries(lacking.map(({ name, status }) => [name, status])), lacks);
  for (const { name, cost, mend } of lacking) t.true(Boolean(cost && mend), `${name} says neither what it costs nor how to mend it`);
});

test('a machine on which all is well', macro, { lacks: {} });
test('an old Node', macro, { options: { node: '20.18.1' }, lacks: { node: 'failed' } });
test('a system call that is not there', macro, { changes: { '/proc/kallsyms': (whole['/proc/kallsyms'] ?? '').replace('__x64_sys_openat2\n', 'x\n') }, lacks: { openat2: 'failed' } });
test('hidden symbols and a recent kernel', macro, { changes: { '/proc/kallsyms': undefined, '/sys/module/nf_tables/x': '' }, lacks: {} });
test('hidden symbols and an old kernel', macro, {
  changes: { '/proc/kallsyms': undefined, '/sys/module/nf_tables/x': '' },
  options: { kernel: '5.4.0' },
  lacks: { 'new mount API': 'failed', openat2: 'failed', clone3: 'limited', close_range: 'limited', 'idmapped mounts': 'limited' },
});
const answers = (changed: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries({ openat2: 'present', fsopen: 'present', pidfd_open: 'present', userns: 'present', ...changed }));
test('a filter around this process', macro, {
  options: { calls: answers({ openat2: 'ENOSYS', fsopen: 'EPERM', pidfd_open: 'EPERM', clone3: 'ENOSYS', close_range: 'ENOSYS', userns: 'EPERM' }) },
  lacks: { openat2: 'failed', 'new mount API': 'failed', pidfd: 'failed', clone3: 'limited', close_range: 'limited', 'user namespaces': 'limited' },
});
test('an ordinary user to whom user namespaces are refused', macro, {
  changes: { '/proc/self/status': 'CapEff:\t0000000000000000\n' },
  options: { uid: 1000, calls: answers({ userns: 'ENOSPC' }) },
  lacks: { 'user namespaces': 'failed', 'subordinate ids': 'limited', mode: 'limited' },
});
test('a kernel before idmapped overlay', macro, { options: { kernel: '5.15.0' }, lacks: { 'idmapped mounts': 'limited' } });
test('no user namespaces for root', macro, { changes: { '/proc/sys/user/max_user_namespaces': '0\n' }, lacks: { 'user namespaces': 'limited' } });
test('a user without privileges on a restricted machine', macro, {
  changes: { '/proc/self/status': 'CapEff:\t0000000000000000\n', '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' },
  options: { uid: 1000 },
  lacks: { 'user namespaces': 'failed', 'subordinate ids': 'limited', mode: 'limited' },
});
for (const [title, subgid, lacks] of [['with ids of his own', '1000:100000:65536\n', {}], ['with subordinate users but not groups', 'bob:100000:65536\n', { 'subordinate ids': 'limited' }]] as const) {
  test(`a user ${title}`, async (t) => {
    const files = { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n', '/etc/subuid': 'ann:100000:65536\n', '/etc/subgid': subgid, '/usr/bin/newuidmap': '', '/usr/bin/newgidmap': '' };
    const found = await examine(await machine(t, { ...files, '/proc/self/status': 'CapEff:\t0\n' }, { uid: 1000 }));
    t.deepEqual(Object.fromEntries(found.filter(({ name, status }) => ['privileges', 'subordinate ids'].includes(name) && status !== 'ok').map(({ name, status }) => [name, status])), lacks);
  });
}
test('root inside another container', macro, { changes: { '/proc/self/status': 'CapEff:\t00000000a80425fb\n' }, lacks: { privileges: 'failed' } });
test('no seccomp', macro, { changes: { '/proc/sys/kernel/seccomp/actions_avail': undefined }, lacks: { seccomp: 'failed' } });
test('nf_tables as a module', macro, {
  changes: { '/proc/kallsyms': (whole['/proc/kallsyms'] ?? '').replace('nf_tables_newtable', 'x'), '/lib/modules/6.8.0-45-generic/modules.dep': 'kernel/net/netfilter/nf_tables.ko.zst: \n' },
  lacks: {},
});
test('no nf_tables', macro, { changes: { '/proc/kallsyms': (whole['/proc/kallsyms'] ?? '').replace('nf_tables_newtable', 'x') }, lacks: { 'netlink and nf_tables': 'limited' } });
test('no overlay', macro, { changes: { '/proc/filesystems': '\text4\n' }, lacks: { overlay: 'failed' } });
test('a controller that is not there', macro, { changes: { '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io hugetlb pids\n', '/proc/cgroups': 'memory\t0\t1\t0\n' }, lacks: { memory: 'limited' } });
test('hybrid control groups', macro, {
  changes: {
    '/proc/self/mountinfo': [
      '30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      ...['cpu,cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'freezer'].map((name) => `31 23 0:27 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`),
      '',
    ].join('\n'),
    '/sys/fs/cgroup/unified/cgroup.controllers': '\n',
  },
  lacks: { mode: 'limited' },
});
test('no control groups', macro, {
  changes: { '/proc/self/mountinfo': '' },
  lacks: { mode: 'failed', cpu: 'limited', cpuset: 'limited', memory: 'limited', pids: 'limited', io: 'limited', hugetlb: 'limited', freezer: 'limited' },
});
test('few descriptors, few pids, little memory', macro, {
  changes: { '/proc/self/limits': 'Max open files            256                 1024              files\n', '/proc/sys/kernel/pid_max': '32768\n', '/proc/meminfo': 'MemAvailable:   1000 kB\n' },
  lacks: { 'open files': 'limited', processes: 'limited', 'free memory': 'limited' },
});

test('names of checks are unique, so that --json can be searched by them', (t) => {
  t.is(new Set(checks.map(({ name }) => name)).size, checks.length);
});

const versions: Array<[string, string, boolean]> = [['5.12', '5.12', true], ['5.9.1', '5.12', false], ['6.1-rc3', '5.19', true], ['20.19.0', '20.19', true], ['5', '5.1', false]];
for (const [have, want, expected] of versions) test(`${have} is ${expected ? '' : 'not '}at least ${want}`, (t) => t.is(atLeast(have, want), expected));
