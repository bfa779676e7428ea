/** Configurations as callers of other runtimes write them, through the command `core-oci`. Needs root and a static busybox. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { machineFacts } from '#runtime-linux/facts.js';
import { COMMAND, oci, type Stage } from './command.js';

type Change = (linux: Oci.Linux) => Oci.Linux;
const same: Change = (linux) => linux;

interface Wish {
  readonly linux?: Change;
  readonly mounts?: readonly Oci.Mount[];
}

function configure(stage: Stage, args: readonly string[], { linux = same, mounts = [] }: Wish): void {
  stage.configure(args, (config) => ({ ...config, mounts: [...(config.mounts ?? []), ...mounts], linux: linux(config.linux ?? {}) }));
}

const withNamespace = (type: Oci.NamespaceType): Change => (linux) => ({ ...linux, namespaces: [...(linux.namespaces ?? []), { type }] });
const withoutNamespace = (gone: Oci.NamespaceType): Change => (linux) => ({ ...linux, namespaces: (linux.namespaces ?? []).filter(({ type }) => type !== gone) });

oci('oci: a user namespace without mappings is one of the caller alone', (t, stage) => {
  stage.configure(['sh', '-c', 'id -u; cat /proc/self/uid_map'], (config) => ({
    ...config, linux: withNamespace('user')(config.linux ?? {}), mounts: (config.mounts ?? []).map((mount) => ({ ...mount, options: (mount.options ?? []).filter((option) => option !== 'gid=5') })),
  }));
  const { stdout, stderr } = stage.call(['run', stage.id]);
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split(/\s+/), ['0', '0', '0', '1']);
});

const MAPPED: Change = (linux) => ({ ...withNamespace('user')(linux), uidMappings: [{ containerID: 0, hostID: 1000, size: 1000 }], gidMappings: [{ containerID: 0, hostID: 1000, size: 1000 }] });

/** Root inside makes the mount points. */
function giveRoot(stage: Stage): void {
  spawnSync('chown', ['-hR', '1000:1000', join(stage.bundle, 'rootfs')]);
}

oci('oci: in a user namespace a device is made as it was asked for, whether or not the machine has it', (t, stage) => {
  giveRoot(stage);
  const device: Oci.Device = { type: 'c', path: '/dev/odd', major: 1, minor: 5, fileMode: 0o604, uid: 3, gid: 4 };
  configure(stage, ['sh', '-c', 'ls -ln /dev/odd; dd if=/dev/odd bs=4 count=1 2>/dev/null | od -c; grep " /dev/" /proc/self/mountinfo'], {
    linux: (linux) => ({ ...MAPPED(linux), devices: [device], resources: { devices: [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 5, access: 'r' }] } }),
  });
  const { stdout, stderr } = stage.call(['run', stage.id]);
  t.is(stderr, '');
  t.regex(stdout, /^crw----r-- +1 3 +4 +1, +5 .*\/dev\/odd\n0000000 +\\0 +\\0 +\\0 +\\0/);
  const nodes = stdout.split('\n').filter((line) => / \/dev\/(odd|null|zero|full|tty|u?random) /.test(line));
  t.is(nodes.length, 7);
  for (const line of nodes) t.regex(line, /nosuid,.*noexec/);
});

oci('oci: a tmpfs that says nothing of its mode is as open as the folder it covers', (t, stage) => {
  mkdirSync(join(stage.bundle, 'rootfs', 'narrow'));
  chmodSync(join(stage.bundle, 'rootfs', 'narrow'), 0o712);
  configure(stage, ['sh', '-c', 'ls -ld /narrow /wide'], { mounts: [{ destination: '/narrow', type: 'tmpfs', source: 'tmpfs', options: ['ro'] }, { destination: '/wide', type: 'tmpfs', options: ['mode=1777'] }] });
  t.regex(stage.call(['run', stage.id]).stdout, /^drwx--x-w-.*\/narrow\ndrwxrwxrwt.*\/wide\n$/);
});

oci('oci: mounts are listed in their order, with the sources that were asked for', (t, stage) => {
  const folders = ['one', 'two'].map((name) => join(stage.base, 'bundle', name));
  for (const folder of folders) mkdirSync(folder);
  const bind = (source: string, at: string): Oci.Mount => ({ destination: at, source, options: ['bind', 'mode=755', 'size=64k'] });
  configure(stage, ['cat', '/proc/self/mountinfo'], { mounts: [bind(folders[0] as string, '/a'), { destination: '/b', type: 'tmpfs', source: 'label' }, bind(folders[1] as string, '/c')] });
  const rows = stage.call(['run', stage.id]).stdout.trim().split('\n').map((line) => [line.split(' ')[4], line.split(' - ')[1]?.split(' ')[1]]);
  const names = rows.map(([at]) => at);
  t.deepEqual(names.filter((at) => ['/proc', '/dev', '/a', '/b', '/c'].includes(at as string)), ['/proc', '/dev', '/a', '/b', '/c']);
  t.deepEqual(rows.filter(([at]) => at === '/proc' || at === '/dev/shm' || at === '/b'), [['/proc', 'proc'], ['/dev/shm', 'shm'], ['/b', 'label']]);
});

oci('oci: without a network of its own a user namespace sees the machine\'s /sys, and changes nothing in it', (t, stage) => {
  giveRoot(stage);
  configure(stage, ['sh', '-c', 'ls /sys/class/net; mount | grep -c " /sys.*[(,]rw"'], { linux: (linux) => withoutNamespace('network')(MAPPED(linux)) });
  const { stdout, stderr } = stage.call(['run', stage.id]);
  t.is(stderr, '');
  t.regex(stdout, /\n0\n$/);
});

oci('oci: without a cgroup namespace the container is shown its own groups', (t, stage) => {
  const layout = machineFacts().cgroups;
  if (layout.v1.pids === undefined) {
    t.pass('cgroup v1 alone can show a part');
    return;
  }
  configure(stage, ['cat', '/sys/fs/cgroup/pids/pids.max'], { linux: (linux) => ({ ...withoutNamespace('cgroup')(linux), resources: { pids: { limit: 1017 } } }) });
  t.is(stage.call(['run', stage.id]).stdout, '1017\n');
});

oci('oci: a pid namespace is joined by path', (t, stage) => {
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  const pid = stage.state()['pid'] as number;
  const other = `${stage.id}-b`;
  stage.configure(['cat', '/proc/1/cmdline'], (config) => ({ ...config, linux: { ...config.linux, namespaces: (config.linux?.namespaces ?? []).map((namespace) => (namespace.type === 'pid' ? { ...namespace, path: `/proc/${pid}/ns/pid` } : namespace)) } }));
  t.is(stage.call(['run', other]).stdout, 'sleep\u000060\u0000');
});

oci('oci: a container without a process can be created, and not started', (t, stage) => {
  stage.configure([], (config) => ({ ...config, process: undefined as never }));
  t.is(stage.call(['create', stage.id]).status, 0);
  t.is(stage.state()['status'], 'created');
  t.regex(stage.call(['start', stage.id]).stderr, /config\.json has no process/);
  t.is(stage.call(['delete', '--force', stage.id]).status, 0);
  t.regex(stage.call(['run', stage.id]).stderr, /config\.json has no process/);
});

oci('oci: what a runtime may leave out is left out with a warning', (t, stage) => {
  const log = join(stage.base, 'made-log');
  writeFileSync(log, '');
  stage.configure(['true'], (config) => ({ ...config, process: { ...config.process, capabilities: { bounding: ['CAP_FLY'] } } as never, linux: { ...config.linux, mountLabel: 'system_u:object_r:x_t:s0' } }));
  t.is(stage.call(['run', stage.id], { flags: ['--log', log] }).status, 0);
  t.regex(readFileSync(log, 'utf8'), /level=warning msg="capabilities .*CAP_FLY/);
  if (!machineFacts().modules.has('selinux')) t.regex(readFileSync(log, 'utf8'), /level=warning msg="linux\.mountLabel is ignored/);
  t.is(statSync(log).isFile(), true);
});

oci('oci: the caller\'s groups are kept where an annotation asks for it, and else are not', (t, stage) => {
  const groups = (annotations: Record<string, string>): string => {
    stage.configure(['id', '-G'], (config) => ({ ...config, annotations }));
    return spawnSync('setpriv', ['--groups', '5,6', process.execPath, COMMAND, '--root', stage.root, 'run', stage.id], { cwd: stage.bundle, encoding: 'utf8', timeout: 30_000 }).stdout.trim();
  };
  t.is(groups({ 'run.oci.keep_original_groups': '1' }), '0 5 6');
  t.is(groups({}), '0');
});

oci('oci: a group for an exec is named from the container\'s own downwards', (t, stage) => {
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  for (const path of ['../x', 'a/../..', '..']) {
    const answer = stage.call(['exec', '--cgroup', path, stage.id, 'true']);
    t.is(answer.status, 255);
    t.regex(answer.stderr, /invalid cgroup/);
  }
});
