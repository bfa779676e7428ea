/** What CRIU is called with, and what is read of its words. */
import test from 'ava';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpArguments, restoreArguments, type DumpOptions, type RestoreOptions } from '#runtime-linux/oci/criu/arguments.js';
import { externalFiles, inherited, keep, kept, type Descriptors } from '#runtime-linux/oci/criu/descriptors.js';
import { cgroupRoots, checkDeviceRules } from '#runtime-linux/oci/criu/groups.js';
import { hookScript } from '#runtime-linux/oci/criu/hooks.js';
import { bindMounts, externalMounts } from '#runtime-linux/oci/criu/mounts.js';
import { findCriu, firstError } from '#runtime-linux/oci/criu/run.js';
import type { HostFacts } from '#runtime-linux/plan/input.js';
import { temporaryFolder } from '../../helpers/folder.js';

const images = { imagePath: '/i', workPath: '/w', tcpEstablished: false, extUnixSk: false, shellJob: false, fileLocks: false, manageCgroupsMode: 'soft', autoDedup: false };
const container = { pid: 7, rootfs: '/r', freezer: undefined, mounts: [], resources: [] };
const dump = (more: Partial<DumpOptions>): string[] => dumpArguments(container, { ...images, leaveRunning: false, preDump: false, tcpSkipInFlight: false, linkRemap: false, ...more });
const base = ['--images-dir', '/i', '--work-dir', '/w', '--log-file'];

test('a dump', (t) => {
  t.deepEqual(dump({}), ['dump', '--tree', '7', ...base, 'dump.log', '-v4', '--manage-cgroups=soft', '--root', '/r']);
});

test('what is of the machine is named to a dump', (t) => {
  const args = dumpArguments({ ...container, freezer: '/g', mounts: [{ target: '/etc/hosts', source: '/h' }], resources: ['net[5]:n', 'file[1:2]'] }, { ...images, leaveRunning: true, preDump: false, tcpSkipInFlight: false, linkRemap: false });
  t.deepEqual(args.slice(13), ['--freeze-cgroup', '/g', '--external', 'mnt[/etc/hosts]:/etc/hosts', '--external', 'net[5]:n', '--external', 'file[1:2]', '--leave-running']);
});

const flags: Record<string, readonly [more: Partial<DumpOptions>, words: readonly string[]]> = {
  'leave-running': [{ leaveRunning: true }, ['--leave-running']],
  'tcp-established': [{ tcpEstablished: true }, ['--tcp-established']],
  'tcp-skip-in-flight': [{ tcpSkipInFlight: true }, ['--skip-in-flight']],
  'ext-unix-sk': [{ extUnixSk: true }, ['--ext-unix-sk']],
  'shell-job': [{ shellJob: true }, ['--shell-job']],
  'file-locks': [{ fileLocks: true }, ['--file-locks']],
  'link-remap': [{ linkRemap: true }, ['--link-remap']],
  'auto-dedup': [{ autoDedup: true }, ['--auto-dedup']],
  'empty-ns': [{ emptyNs: 'network' }, ['--empty-ns', 'net']],
  'parent-path': [{ parentPath: '../p' }, ['--track-mem', '--prev-images-dir', '../p']],
  'page-server': [{ pageServer: 'fe80::1:99' }, ['--page-server', '--address', 'fe80::1', '--port', '99']],
};
for (const [name, [more, words]] of Object.entries(flags)) {
  test(`a dump with ${name}`, (t) => t.deepEqual(dump(more).filter((word) => !dump({}).includes(word)), words));
}

test('a dump of memory alone leaves it running by itself', (t) => {
  const args = dump({ preDump: true, leaveRunning: true });
  t.is(args[0], 'pre-dump');
  t.false(args.includes('--leave-running'));
  t.true(args.includes('--track-mem'));
});

test('a restore', (t) => {
  const options: RestoreOptions = { ...images, lsmProfile: 'apparmor:x' };
  const args = restoreArguments({ root: '/m', mounts: [{ target: '/etc/hosts', source: '/h2' }], groups: [{ controllers: 'cpu,cpuacct', path: '/c' }, { controllers: '', path: '/c' }], inherited: [{ fd: 1, resource: 'pipe:[5]' }], pidFile: '/p' }, options);
  t.deepEqual(args, [
    'restore', '--restore-detached', '--pidfile', '/p', ...base, 'restore.log', '-v4', '--manage-cgroups=soft', '--root', '/m', '--external', 'mnt[/etc/hosts]:/h2',
    '--inherit-fd', 'fd[1]:pipe:[5]', '--cgroup-root', 'cpu,cpuacct:/c', '--cgroup-root', '/c', '--lsm-profile', 'apparmor:x',
  ]);
});

const table = [
  '45 57 254:0 /b/rootfs / ro - ext4 /dev/vda rw',
  '107 45 0:49 / /dev rw - tmpfs none rw',
  '113 106 0:49 /null /proc/keys rw - tmpfs none rw',
  '114 106 0:5 /null /proc/timer_list ro - devtmpfs udev rw',
  '115 45 254:0 /h /with\\040blank rw - ext4 /dev/vda rw',
].join('\n');

test('external are the binds of the configuration, and masks by the machine\'s null device', (t) => {
  const config = { ociVersion: '1.2.0', mounts: [{ destination: '/with blank', type: 'bind', source: '/h' }, { destination: '/dev', type: 'tmpfs' }] };
  t.deepEqual(externalMounts(config, table), [{ target: '/with blank', source: '/h' }, { target: '/proc/timer_list', source: '/dev/null' }]);
  t.deepEqual(bindMounts(config), [{ target: '/with blank', source: '/h' }]);
  t.throws(() => externalMounts({ ...config, mounts: [{ destination: '/link/x', source: '/h', options: ['rbind'] }] }, table), { message: /\/link\/x/ });
});

test('descriptors of the outside are named to a dump and handed over at a restore', (t) => {
  const descriptors: Descriptors = ['', 'pipe:[5]', 'file[a:b]'];
  t.deepEqual(externalFiles(descriptors), ['file[a:b]']);
  t.deepEqual(externalFiles(['file[a:b]', 'file[a:b]', '']), ['file[a:b]']);
  t.deepEqual(inherited(descriptors), [{ fd: 4, resource: 'pipe:[5]' }, { fd: 5, resource: 'file[a:b]' }]);
  const folder = temporaryFolder(t);
  keep(folder, descriptors);
  t.deepEqual(kept(folder), descriptors);
  t.throws(() => kept(join(folder, 'none')), { message: /cannot read the checkpoint/ });
});

test('each hierarchy is named as the kernel lists it', (t) => {
  t.deepEqual(cgroupRoots({ own: '3:cpu,cpuacct:/x\n1:name=systemd:/\n0::/y\n', path: '/p' }), [{ controllers: 'cpu,cpuacct', path: '/p' }, { controllers: 'name=systemd', path: '/p' }, { controllers: '', path: '/p' }]);
});

test('what would come back without its device rules is refused', (t) => {
  const host = (v1: object): HostFacts => ({ cgroups: { v1 } }) as unknown as HostFacts;
  const config = { ociVersion: '1.2.0', linux: { resources: { devices: [{ allow: false, access: 'rwm' }] } } };
  t.throws(() => checkDeviceRules(config, host({})), { message: /device rules of v2/ });
  t.notThrows(() => checkDeviceRules(config, host({ devices: '/d' })));
  t.notThrows(() => checkDeviceRules({ ociVersion: '1.2.0', linux: { resources: { devices: [{ allow: true, access: 'rwm' }] } } }, host({})));
});

test('hooks of the machine\'s side become a script, quoted', (t) => {
  const folder = temporaryFolder(t);
  t.is(hookScript({ folder, id: 'c', root: '/r', config: { ociVersion: '1.2.0', hooks: { poststart: [{ path: '/x' }] } } }), undefined);
  const script = hookScript({ folder, id: 'c', root: "/r'; id", config: { ociVersion: '1.2.0', hooks: { prestart: [{ path: '/x' }] } } });
  t.is(script, join(folder, 'criu-action'));
});

test('CRIU is looked for in PATH, and its package named', (t) => {
  const folder = temporaryFolder(t);
  t.throws(() => findCriu(`${folder}:relative`), { message: /package criu/ });
  writeFileSync(join(folder, 'criu'), '');
  t.throws(() => findCriu(folder), { message: /package criu/ });
  chmodSync(join(folder, 'criu'), 0o755);
  t.is(findCriu(`/no/such:${folder}`), join(folder, 'criu'));
});

test('of a log the first error is told', (t) => {
  const log = join(temporaryFolder(t), 'log');
  writeFileSync(log, "(00.04) Error (criu/util.c:1533): rlimit: Can't setup\n(00.06) Warn  (x.c:1): w\n(00.07)      7: Error (criu/files.c:1): the cause\n(00.08) Error (criu/cr.c:1): Dumping FAILED.\n");
  t.is(firstError(log), 'the cause');
  t.is(firstError('/no/such'), undefined);
});
