/** Deaths: of the executor, a monitor, a client, a lease; and frames that make no sense. Needs root. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { encodeFrame } from '#runtime-linux/link/frames.js';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { Executor, connect, eventually, execPlan, isAlive, lacking, runExec } from './support.js';

const run = declareUnless(lacking);

type Body = (executor: Executor, t: ExecutionContext) => Promise<void>;

const lives = test.macro({
  title: (name) => `life: ${name}`,
  async exec(t, body: Body, args?: readonly string[]) {
    await body(await Executor.start(t, args), t);
  },
});

const ticking = { argv: ['sh', '-c', 'i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.05; done'] };

run('kill -9 of the executor: containers and their logs go on, exec works, exits are recorded', lives, async (executor, t) => {
  const { pid } = await executor.startContainer('c1', ticking);
  const ended = once(executor.process, 'exit');
  executor.process.kill('SIGKILL');
  await ended;
  await executor.connection.closed;
  const before = executor.log('c1').length;
  t.true(await eventually(() => executor.log('c1').length > before + 3));
  t.true(isAlive(pid));
  t.is((await runExec(executor, 'c1', execPlan('e', ['echo', 'still here']))).stdout, 'still here\n');
  const monitor = await executor.monitor('c1');
  await monitor.request('signal', { signal: 9 });
  await monitor.closed;
  t.like(executor.record('c1', 'exit'), { exitCode: 137, signal: 9 });
}, []);

run('kill -9 of a monitor: its container is ended and cleaned, and the record says why', lives, async (executor, t) => {
  const group = `/sys/fs/cgroup/pids/core-executor-life-${process.pid}`;
  mkdirSync(group);
  t.teardown(() => existsSync(group) && rmdirSync(group));
  const { pid } = await executor.startContainer('c1', {
    argv: ['sh', '-c', 'sleep 1000 & sleep 1000'],
    prepare: [['open', 9, `${group}/tasks`, 1]], first: [['join', 9]], plan: { cgroups: [group], teardown: [['rmdir', group]] },
  });
  process.kill(executor.record('c1', 'state')['monitor'] as number, 'SIGKILL');
  t.like(await executor.notice('exit', 'c1'), { exitCode: 137, signal: 9, reason: 'monitor-lost' });
  await executor.notice('gone', 'c1');
  t.like(executor.record('c1', 'exit'), { exitCode: 137, reason: 'monitor-lost' });
  t.false(isAlive(pid));
  t.false(existsSync(group));
  t.false(existsSync(join(executor.run, 'c1', 'ctl')));
});

run('the end of a lease ends all: containers, groups, the run folder, the executor', lives, async (executor, t) => {
  const pids = await Promise.all(['c1', 'c2', 'c3'].map(async (id) => (await executor.startContainer(id, ticking)).pid));
  const ended = once(executor.process, 'exit');
  executor.connection.close();
  const [code] = (await ended) as [number];
  t.is(code, 0);
  t.false(pids.some(isAlive));
  t.false(existsSync(executor.run));
});

run('SIGTERM: a lease ends all', lives, async (executor, t) => {
  const { pid } = await executor.startContainer('c1', ticking);
  const ended = once(executor.process, 'exit');
  executor.process.kill('SIGTERM');
  await ended;
  t.false(isAlive(pid));
  t.false(existsSync(executor.run));
});

run('SIGTERM without a lease: containers live on, and reap ends them for the next executor', lives, async (executor, t) => {
  const { pid } = await executor.startContainer('c1', ticking);
  const ended = once(executor.process, 'exit');
  executor.process.kill('SIGTERM');
  await ended;
  t.true(isAlive(pid));
  const { monitor } = executor.record('c1', 'state');
  const next = await Executor.start(t);
  await next.request('reap', { id: 'c1', dir: join(executor.run, 'c1'), cgroups: [], teardown: [] });
  t.false(isAlive(pid));
  t.false(isAlive(monitor as number));
  t.like(executor.record('c1', 'exit'), { exitCode: 137, reason: 'monitor-lost' });
  await next.request('reap', { id: 'c1', dir: join(executor.run, 'c1'), cgroups: [], teardown: [] });
}, []);

run('only one executor serves a folder', lives, async (executor, t) => {
  const { spawnSync } = await import('node:child_process');
  const { executorBinary } = await import('../../helpers/executor-plan.js');
  const { status, stderr } = spawnSync(executorBinary, ['--run', executor.run], { encoding: 'utf8' });
  t.is(status, 1);
  t.regex(stderr, /another executor/);
});

run('a client that goes leaves its containers running, and others hear of their end by ctl', lives, async (executor, t) => {
  const second = await connect(join(executor.run, 'executor.sock'));
  t.like(await second.request('hello', { version: 1 }), { version: 1, lease: false });
  await second.request('start', executor.plan('c1', ticking));
  second.close();
  await sleep(100);
  t.true(isAlive(executor.record('c1', 'state')['pid'] as number));
  const monitor = await executor.monitor('c1');
  await monitor.request('signal', { signal: 9 });
  await monitor.closed;
}, []);

run('a container may be started again after its end', lives, async (executor, t) => {
  for (const code of [1, 2]) t.is((await executor.once('c1', { argv: ['sh', '-c', `exit ${code}`] })).exit.exitCode, code);
  t.is(executor.record('c1', 'exit')['exitCode'], 2);
});

run('rmtree: never through a link, deeper than any descriptor limit, gone is fine', lives, async (executor, t) => {
  const victim = join(executor.folder, 'victim');
  mkdirSync(victim);
  writeFileSync(join(victim, 'keep'), '');
  const tree = join(executor.folder, 'tree');
  mkdirSync(join(tree, ...Array<string>(300).fill('deep')), { recursive: true });
  symlinkSync(victim, join(tree, 'link'));
  writeFileSync(join(tree, 'file'), '');
  symlinkSync(victim, join(executor.folder, 'top'));
  t.deepEqual(await executor.request('rmtree', { paths: [tree, join(executor.folder, 'top'), '/nowhere/at/all'] }), {});
  t.deepEqual(readdirSync(victim), ['keep']);
  t.false(existsSync(tree) || readdirSync(executor.folder).includes('top'));
  const refused = await t.throwsAsync(executor.request('rmtree', { paths: ['relative'] }), { instanceOf: StepError });
  t.is(refused?.errno, 'EINVAL');
});

const garbage: Record<string, { readonly bytes: Buffer; readonly says: RegExp }> = {
  'a frame that is too long': { bytes: Buffer.from([0xff, 0xff, 0xff, 0xff]), says: /limit/ },
  'no array': { bytes: frame([0x01]), says: /\[seq, op, arg\]/ },
  'an array of one': { bytes: encodeFrame([1]), says: /\[seq, op, arg\]/ },
  'a number that is 0': { bytes: encodeFrame([0, 'hello', {}]), says: /\[seq, op, arg\]/ },
  'bytes that are no MessagePack': { bytes: frame([0xc1]), says: /0xc1/ },
  'an empty frame': { bytes: frame([]), says: /ends where/ },
  'an unknown request': { bytes: encodeFrame([1, 'dance', {}]), says: /no request dance/ },
};

for (const [name, { bytes, says }] of Object.entries(garbage)) {
  for (const socket of ['executor.sock', 'c1/ctl']) {
    run(`${name}, sent to ${socket}, is answered and ends the connection`, lives, async (executor, t) => {
      const { pid } = await executor.startContainer('c1', { argv: ['sleep', '100'] });
      t.regex(await sendRaw(join(executor.run, socket), bytes), says);
      t.true(isAlive(pid));
      t.is((await executor.once('c2')).exit.exitCode, 0);
      const monitor = await executor.monitor('c1');
      t.like(await monitor.request('hello', {}), { running: true });
      monitor.close();
    });
  }
}

run('half a frame, and then nothing, harms nobody', lives, async (executor, t) => {
  const socket = createConnection(join(executor.run, 'executor.sock'));
  socket.write(encodeFrame([1, 'hello', { version: 1 }]).subarray(0, 6));
  await sleep(50);
  t.is((await executor.once('c1')).exit.exitCode, 0);
  socket.destroy();
});

function frame(body: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.set(body, 4);
  return bytes;
}

/** What it answers until it closes the connection. */
async function sendRaw(path: string, bytes: Buffer): Promise<string> {
  const socket = createConnection(path);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}
