/** What `core-oci` withholds from a container, and what it takes from a hostile one. Needs root and a static busybox. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, isAlive } from '../executor/support.js';
import { COMMAND, oci } from './command.js';

oci('oci: a caller\'s null device is the container\'s own inside, so that its mode is out of reach', (t, stage) => {
  stage.configure(['sh', '-c', 'ls -l /proc/self/fd/0 >/made; stat -L -c %d /proc/self/fd/0 /dev/null /proc/self/fd/2 | sort -u | wc -l >>/made']);
  symlinkSync('busybox', join(stage.bundle, 'rootfs', 'bin', 'stat'));
  for (const name of ['sort', 'wc']) symlinkSync('busybox', join(stage.bundle, 'rootfs', 'bin', name));
  const device = openSync('/dev/null', 'r+');
  const { status } = spawnSync(process.execPath, [COMMAND, '--root', stage.root, 'run', stage.id], { cwd: stage.bundle, stdio: [device, 'ignore', device], timeout: 30_000 });
  closeSync(device);
  t.is(status, 0);
  t.regex(readFileSync(join(stage.bundle, 'rootfs', 'made'), 'utf8'), /-> \/dev\/null\n1\n$/);
});

oci('oci: a /dev that is a link stays inside the root', (t, stage) => {
  mkdirSync(join(stage.bundle, 'rootfs', 'real'));
  symlinkSync('/real', join(stage.bundle, 'rootfs', 'dev'));
  stage.configure(['sh', '-c', 'echo x >/dev/null && ls /real/null /dev/shm -d && tty </dev/null; echo $?']);
  const before = statSync('/dev/null').ino;
  t.like(stage.call(['run', stage.id]), { status: 0, stdout: '/dev/shm\n/real/null\nnot a tty\n1\n' });
  t.is(statSync('/dev/null').ino, before);
});

const freezer = '/sys/fs/cgroup/freezer';
const withFreezer = existsSync(join(freezer, 'cgroup.procs')) ? oci : (): void => {};

withFreezer('oci: what was moved to another freezer is thawed by a forced deletion', async (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  const pid = stage.state()['pid'] as number;
  const elsewhere = join(freezer, `${id}-elsewhere`);
  mkdirSync(elsewhere);
  try {
    writeFileSync(join(elsewhere, 'cgroup.procs'), String(pid));
    writeFileSync(join(elsewhere, 'freezer.state'), 'FROZEN');
    const answer = stage.call(['delete', '--force', id]);
    t.is(answer.status, 0, answer.stderr);
    t.false(isAlive(pid));
  } finally {
    writeFileSync(join(elsewhere, 'freezer.state'), 'THAWED');
    t.true(await eventually(() => readFileSync(join(elsewhere, 'cgroup.procs'), 'utf8') === ''));
    rmdirSync(elsewhere);
  }
});

oci('oci: the container is in hierarchies without a controller too', (t, stage) => {
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  const lines = readFileSync(`/proc/${stage.state()['pid'] as number}/cgroup`, 'utf8').trim().split('\n').map((line) => line.split(':'));
  for (const [, name = '', path] of lines.filter(([, name = '']) => name.startsWith('name=') || name === 'perf_event')) t.is(path, `/${stage.id}`, name);
});

oci('oci: usage is told in the form of runc', (t, stage) => {
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  const told = stage.call(['events', '--stats', stage.id]);
  t.is(told.status, 0, told.stderr);
  const { type, data } = JSON.parse(told.stdout) as { type: string; data: { cpu: { usage: { total: number } }; cpuset: { cpus: number[] }; memory: { usage: { usage: number }; raw: object }; blkio: object; hugetlb: object } };
  t.is(type, 'stats');
  t.true(data.cpu.usage.total > 0);
  t.true(data.memory.usage.usage > 0);
  t.true(data.cpuset.cpus.includes(0));
  t.deepEqual(Object.keys(data.blkio), ['ioServiceBytesRecursive', 'ioServicedRecursive']);
});

oci('oci: what a killed creation has left is told as such, and freed by force', (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  const path = join(stage.root, id, 'state.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; groups: string[] };
  writeFileSync(path, JSON.stringify({ ...record, pid: 0, startTime: 0 }));
  t.is(stage.state()['status'], 'creating');
  // A signal to process 0 would reach whoever sends it.
  for (const args of [['kill', id, 'KILL'], ['start', id], ['exec', id, 'true'], ['pause', id], ['update', '--pids-limit', '5', id], ['delete', id]]) t.not(stage.call(args).status, 0, args[0]);
  t.true(isAlive(record.pid));
  t.is(stage.call(['delete', '--force', id]).status, 0);
  t.false(isAlive(record.pid));
  for (const group of record.groups) t.false(existsSync(group), group);
  mkdirSync(join(stage.root, id));
  t.regex(stage.call(['create', id]).stderr, /already exists/);
  t.is(stage.call(['delete', '--force', id]).status, 0);
  t.false(existsSync(join(stage.root, id)));
});

oci('oci: an exec whose pid cannot be written does not stay', async (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  t.is(stage.call(['exec', '-d', '--pid-file', join(stage.base, 'none', 'pid'), id, 'sleep', '63']).status, 255);
  t.true(await eventually(() => (JSON.parse(stage.call(['ps', '-f', 'json', id]).stdout) as number[]).length === 1));
});

oci('oci: without a pid namespace of its own, SIGKILL reaches all of it', async (t, stage) => {
  const { id } = stage;
  stage.configure(['sh', '-c', 'sleep 64 & exec sleep 65'], (config) => ({ ...config, linux: { ...config.linux, namespaces: (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid') } }));
  t.is(stage.call(['run', '-d', id]).status, 0);
  const pids = (): number[] => JSON.parse(stage.call(['ps', '-f', 'json', id]).stdout) as number[];
  t.true(await eventually(() => pids().length === 2));
  const all = pids();
  t.is(stage.call(['kill', id, 'KILL']).status, 0);
  t.true(await eventually(() => !all.some((pid) => isAlive(pid))));
});
