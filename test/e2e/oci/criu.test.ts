/** Checkpoint and restore through `core-oci`. Needs root, a static busybox and a CRIU that works on this kernel. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { eventually, isAlive } from '../executor/support.js';
import { COMMAND, oci, type Stage } from './command.js';

const { status, error, stderr } = spawnSync('criu', ['check'], { encoding: 'utf8', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } });
const reason = error ? 'not installed: criu' : status === 0 ? undefined : `this CRIU cannot work on this kernel (${stderr.trim().split('\n').at(-1)})`;

function criu(title: string, body: (t: ExecutionContext, stage: Stage) => Promise<void> | void): void {
  if (reason !== undefined) test.skip(`${title} (${reason})`, () => {});
  else oci(title, body);
}

/** Counts, a line each tenth of a second. */
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done';

function lastLine(path: string): number {
  return existsSync(path) ? Number(readFileSync(path, 'utf8').trim().split('\n').at(-1)) : 0;
}

function start(t: ExecutionContext, stage: Stage): { readonly count: string; readonly images: string } {
  const [volume, images] = ['made-volume', 'made-images'].map((name) => join(stage.base, name)) as [string, string];
  mkdirSync(volume);
  mkdirSync(join(stage.bundle, 'rootfs', 'volume'));
  const mount = { destination: '/volume', type: 'bind', source: volume, options: ['bind', 'rw'] };
  stage.configure(['sh', '-c', `exec >/volume/count; ${COUNT}`], (config) => ({ ...config, mounts: [...(config.mounts ?? []), mount], linux: { ...config.linux, resources: { ...config.linux?.resources, pids: { limit: 33 } } } }));
  // Of a pipe of Node's, which is a socket, CRIU would have to have both ends.
  const made = spawnSync(process.execPath, [COMMAND, '--root', stage.root, 'run', '-d', stage.id], { cwd: stage.bundle, stdio: 'ignore', timeout: 30_000 });
  t.is(made.status, 0);
  return { count: join(volume, 'count'), images };
}

criu('oci: a container goes on where it was, in its limits and mounts', async (t, stage) => {
  const { id } = stage;
  const { count, images } = start(t, stage);
  t.true(await eventually(() => lastLine(count) > 2));
  const pid = stage.state()['pid'] as number;
  const dumped = stage.call(['checkpoint', '--image-path', images, id]);
  t.is(dumped.status, 0, dumped.stderr);
  t.false(isAlive(pid));
  t.regex(stage.call(['state', id]).stderr, /container does not exist/);
  t.deepEqual(readdirSync(stage.root), []);
  const before = lastLine(count);

  const restored = stage.call(['restore', '--detach', '--image-path', images, '--pid-file', join(stage.base, 'made-pid'), id]);
  t.is(restored.status, 0, restored.stderr);
  t.like(stage.state(), { status: 'running', pid: Number(stage.read('made-pid')) });
  t.true(await eventually(() => lastLine(count) > before));
  t.true(readFileSync(count, 'utf8').includes(`\n${before}\n${before + 1}\n`), 'it counted on');
  t.is(stage.call(['exec', id, 'sh', '-c', 'echo in >/volume/made && cat /proc/1/comm']).stdout, 'sh\n');
  t.is((JSON.parse(stage.call(['events', '--stats', id]).stdout) as { data: { pids: { limit: number } } }).data.pids.limit, 33);
  t.true((JSON.parse(stage.call(['ps', '-f', 'json', id]).stdout) as number[]).length > 0);
  t.is(stage.call(['exec', id, 'sh', '-c', ': </dev/mem']).status === 0, false);
  t.deepEqual(readdirSync(join(stage.root, id)), ['state.json']);
});

criu('oci: a container that is left running is dumped again and again', async (t, stage) => {
  const { id } = stage;
  const { count, images } = start(t, stage);
  t.true(await eventually(() => lastLine(count) > 2));
  const tracked = tracksMemory();
  const first = ['--image-path', join(images, 'first'), tracked ? '--pre-dump' : '--leave-running'];
  for (const args of [first, ['--leave-running', '--image-path', join(images, 'second'), ...(tracked ? ['--parent-path', '../first'] : [])]]) {
    const dumped = stage.call(['checkpoint', ...args, id]);
    t.is(dumped.status, 0, dumped.stderr);
    const seen = lastLine(count);
    t.true(await eventually(() => lastLine(count) > seen));
  }
  t.is(stage.state()['status'], 'running');
});

/** A dump of memory alone wants a kernel that tells which pages were written. */
function tracksMemory(): boolean {
  return spawnSync('criu', ['check', '--feature', 'mem_dirty_track']).status === 0;
}

criu('oci: what cannot be dumped or restored says why, and changes nothing', (t, stage) => {
  const { id } = stage;
  const images = join(stage.base, 'made-images');
  t.is(stage.call(['create', id]).status, 0);
  t.regex(stage.call(['checkpoint', '--image-path', images, id]).stderr, /cannot be checkpointed in created state/);
  t.is(stage.call(['delete', id]).status, 0);
  t.regex(stage.call(['restore', '--image-path', images, id]).stderr, /cannot read the checkpoint/);
  mkdirSync(images);
  writeFileSync(join(images, 'descriptors.json'), '["","",""]');
  const answer = stage.call(['restore', '--image-path', images, id]);
  t.is(answer.status, 1);
  // In the log entry on stderr the line ends are written as such.
  t.regex(answer.stderr, /criu failed: restore: exit status 1.*\\nlog file: \S+\/restore\.log/);
  t.deepEqual(readdirSync(stage.root), []);
});
