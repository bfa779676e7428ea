/** Namespaces that are there already, through the command `core-oci`. Needs root and a static busybox. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { COMMAND, oci, type Stage } from './command.js';

type Namespaces = readonly Oci.Namespace[];

function configure(stage: Stage, args: readonly string[], change: (namespaces: Namespaces) => Namespaces): void {
  stage.configure(args, (config) => ({ ...config, linux: { ...config.linux, namespaces: [...change(config.linux?.namespaces ?? [])] } }));
}

const FILES = { mount: 'mnt', user: 'user', time: 'time', network: 'net', uts: 'uts', pid: 'pid', ipc: 'ipc', cgroup: 'cgroup' } as const;

/** A process of the test's own in namespaces of its own, for as long as the body takes. */
function beside(flags: readonly string[], body: (pid: number) => void): void {
  const made = spawnSync('sh', ['-c', 'unshare "$@" sleep 60 >/dev/null 2>&1 & echo $!; sleep 0.3', 'sh', ...flags], { encoding: 'utf8' });
  const pid = Number(made.stdout.trim());
  try {
    if (flags.includes('--user')) for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 65536\n');
    body(pid);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
}

const joins: ReadonlyArray<readonly [type: keyof typeof FILES, flags: readonly string[]]> = [
  ['mount', ['--mount']],
  ['time', ['--time', '--fork', '--kill-child']],
  ['user', ['--user']],
];
for (const [type, flags] of joins) {
  oci(`oci: a ${type} namespace is joined by path`, (t, stage) => {
    beside(flags, (pid) => {
      const path = `/proc/${pid}/ns/${type === 'time' ? 'time_for_children' : FILES[type]}`;
      stage.configure(['sleep', '60'], (config) => ({
        ...config,
        mounts: (config.mounts ?? []).map((mount) => ({ ...mount, options: (mount.options ?? []).filter((option) => option !== 'gid=5') })),
        linux: { ...config.linux, namespaces: [...(config.linux?.namespaces ?? []).filter((namespace) => namespace.type !== type), { type, path }] },
      }));
      const made = stage.call(['run', '-d', stage.id]);
      t.is(made.stderr, '');
      const first = stage.state()['pid'] as number;
      t.is(readlinkSync(`/proc/${first}/ns/${FILES[type]}`), readlinkSync(path));
      t.not(readlinkSync(`/proc/${first}/ns/uts`), readlinkSync('/proc/self/ns/uts'));
      t.is(stage.call(['exec', stage.id, 'cat', '/proc/self/comm']).stdout, 'cat\n');
      t.is(stage.call(['delete', '--force', stage.id]).status, 0);
    });
  });
}

oci('oci: a container that names no mount namespace shares its caller\'s, and sees its own root all the same', (t, stage) => {
  const mounts = (): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(stage.base));
  configure(stage, ['sh', '-c', 'ls /; sleep 60'], (namespaces) => namespaces.filter(({ type }) => type !== 'mount'));
  writeFileSync(join(stage.bundle, 'rootfs', 'mine'), '');
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  const pid = stage.state()['pid'] as number;
  t.is(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));
  t.true(mounts().length > 0);
  // What joins it later is not let out into the machine's root either.
  t.is(stage.call(['exec', stage.id, 'ls', '/mine']).stdout, '/mine\n');
  t.is(stage.call(['delete', '--force', stage.id]).status, 0);
  t.deepEqual(mounts(), []);
  t.deepEqual(readdirSync(stage.root), []);
  t.true(readdirSync(join(stage.bundle, 'rootfs')).includes('mine'));
  configure(stage, ['nope'], (namespaces) => namespaces.filter(({ type }) => type !== 'mount'));
  t.is(stage.call(['create', stage.id]).status, 1);
  t.deepEqual(mounts(), []);
  t.deepEqual(readdirSync(stage.root), []);
});

oci('oci: a link is moved in under its new name, with its addresses, and is up', (t, stage) => {
  stage.configure(['sh', '-c', 'ip -o addr show dev eth0; ip -o link show dev eth0'], (config) => ({ ...config, linux: { ...config.linux, netDevices: { outer: { name: 'eth0' } } } }));
  const script = 'ip link add outer type veth peer name other && ip addr add 10.9.8.7/24 dev outer && ip link set outer up && "$0" "$1" --root "$2" run "$3"; ip -o link show dev outer 2>&1 | grep -c "does not exist"';
  const { stdout, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script, process.execPath, COMMAND, stage.root, stage.id], { cwd: stage.bundle, encoding: 'utf8', timeout: 30_000 });
  t.is(stderr, '');
  t.regex(stdout, /eth0 +inet 10\.9\.8\.7\/24/);
  t.regex(stdout, /eth0@.*[<,]UP[,>]/);
  t.regex(stdout, /\n1\n$/);
});

oci('oci: a link that is not there, or a name that is taken, is no container', (t, stage) => {
  stage.configure(['true'], (config) => ({ ...config, linux: { ...config.linux, netDevices: { nolink: {} } } }));
  t.regex(stage.call(['create', stage.id]).stderr, /there is no link nolink/);
  t.deepEqual(readdirSync(stage.root), []);
});

oci('oci: a mount has ids of its own, with a user namespace or without', (t, stage) => {
  const source = join(stage.bundle, 'owned');
  mkdirSync(source);
  writeFileSync(join(source, 'file'), '');
  const ids = (host: number): Oci.IdMapping[] => [{ containerID: 0, hostID: host, size: 10 }];
  const mount = (host: number): Oci.Mount => ({ destination: '/owned', source, options: ['bind', 'idmap'], uidMappings: ids(host), gidMappings: ids(host) });
  stage.configure(['ls', '-ln', '/owned/file'], (config) => ({ ...config, mounts: [...(config.mounts ?? []), mount(1000)] }));
  t.regex(stage.call(['run', stage.id]).stdout, / 1000 +1000 /);
  stage.configure(['ls', '-ln', '/owned/file'], (config) => ({
    ...config, mounts: [...(config.mounts ?? []), mount(1002)],
    linux: { ...config.linux, namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }], uidMappings: [{ containerID: 0, hostID: 1000, size: 100 }], gidMappings: [{ containerID: 0, hostID: 1000, size: 100 }] },
  }));
  t.regex(stage.call(['run', stage.id]).stdout, / 2 +2 /);
});

oci('oci: a tmpfs begins with what lies under it, and nothing beyond', (t, stage) => {
  const under = join(stage.bundle, 'rootfs', 'etc');
  mkdirSync(join(under, 'deep'), { recursive: true, mode: 0o710 });
  writeFileSync(join(under, 'deep', 'file'), 'content', { mode: 0o604 });
  spawnSync('sh', ['-c', 'ln -s /nowhere link; mkfifo pipe; chown 7:8 deep/file'], { cwd: under });
  const command = 'cat /etc/deep/file; echo; ls -ln /etc/deep; ls -ln /etc | grep -c "^[lp]"; echo x >/etc/deep/file; touch /closed/y 2>&1';
  stage.configure(['sh', '-c', command], (config) => ({
    ...config, mounts: [...(config.mounts ?? []), { destination: '/etc', type: 'tmpfs', options: ['tmpcopyup'] }, { destination: '/closed', type: 'tmpfs', options: ['tmpcopyup', 'ro'] }],
  }));
  t.regex(stage.call(['run', stage.id]).stdout, /^content\n(total.*\n)?-rw----r-- +1 +7 +8 .*file\n2\ntouch: .*Read-only/);
  t.is(readFileSync(join(under, 'deep', 'file'), 'utf8'), 'content');
});

oci('oci: a tree bound onto "/" is the root', (t, stage) => {
  const other = join(stage.bundle, 'other');
  spawnSync('cp', ['-a', join(stage.bundle, 'rootfs'), other]);
  writeFileSync(join(other, 'second'), '');
  stage.configure(['ls', '/second', '/proc/self/comm'], (config) => ({ ...config, mounts: [{ destination: '/', type: 'bind', source: 'other', options: ['bind'] }, ...(config.mounts ?? [])] }));
  t.is(stage.call(['run', stage.id]).stdout, '/proc/self/comm\n/second\n');
});
