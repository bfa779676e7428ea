/** What `core-oci` makes in a kernel's run root, the kernel shows and reaches, and leaves to its maker. Needs root and a static busybox. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createKernel, type CoreKernel } from '#core/index.js';
import type { CoreError } from '#core/errors/index.js';
import type { ProcessEvent } from '#core/contracts/index.js';
import { eventually, isAlive } from '../executor/support.js';
import { plugins } from '../../helpers/real-plugins.js';
import { oci, type Stage } from './command.js';

/** A kernel whose run root the stage's containers are in. */
async function withKernel(stage: Stage, body: (kernel: CoreKernel) => Promise<void>): Promise<void> {
  const kernel = await createKernel({ plugins, root: join(stage.base, 'made-root'), runRoot: join(stage.base, 'run') });
  try {
    await body(kernel);
  } finally {
    await kernel.close();
  }
}

function inRunRoot(stage: Stage): Stage {
  return Object.assign(stage, { root: join(stage.base, 'run', 'oci') });
}

async function code(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  return (await t.throwsAsync<CoreError>(work)).code;
}

async function told(events: AsyncIterable<ProcessEvent>): Promise<{ readonly exitCode: number; readonly output: string }> {
  let output = '';
  for await (const event of events) {
    if (event.type === 'stdout' || event.type === 'stderr') output += Buffer.from(event.data).toString();
    if (event.type === 'exit') return { exitCode: event.exitCode, output };
  }
  throw new Error('no exit');
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

oci('oci: a kernel of the same run root lists what core-oci made, and tells of it', async (t, base) => {
  const stage = inRunRoot(base);
  const { id } = stage;
  stage.configure(['sleep', '60'], (config) => ({ ...config, annotations: { made: 'elsewhere' } }));
  await withKernel(stage, async ({ engine: { containers } }) => {
    t.deepEqual(await containers.list({ all: true }), []);
    t.is(stage.call(['create', id]).status, 0);
    t.deepEqual(await containers.list({}), []);
    t.like((await containers.list({ all: true }))[0], { id, name: id, state: 'created', foreign: true });
    t.is(await code(t, containers.start({ container: id })), 'E_UNSUPPORTED');
    t.is(stage.call(['start', id]).status, 0);
    const [listed] = await containers.list({ labels: { made: 'elsewhere' } });
    t.like(listed, { id, name: id, state: 'running', image: join(stage.bundle, 'rootfs'), command: ['sleep', '60'], pid: stage.state()['pid'] });
    t.like(await containers.inspect({ container: id }), { id, spec: { process: { args: ['sleep', '60'] } } });
    t.deepEqual(await containers.processes({ container: id }), [stage.state()['pid'] as number]);
    t.is((await containers.stats({ container: id })).pids.current, 1);
    await containers.pause({ container: id });
    t.is(stage.state()['status'], 'paused');
    t.is((await containers.list({}))[0]?.state, 'paused');
    await containers.resume({ container: id });
    t.is(stage.state()['status'], 'running');
    for (const verb of ['update', 'remove', 'resize', 'logs', 'attach'] as const) {
      const answer = verb === 'logs' || verb === 'attach' ? told(containers[verb]({ container: id }) as AsyncIterable<ProcessEvent>)
        : verb === 'update' ? containers.update({ container: id, limits: { pids: 5 } }) : verb === 'resize' ? containers.resize({ container: id, rows: 1, columns: 1 }) : containers.remove({ container: id, force: true });
      t.is(await code(t, answer as Promise<unknown>), 'E_UNSUPPORTED', verb);
    }
    t.is(stage.state()['status'], 'running');
    const stopped = await containers.stop({ container: id, timeout: 0 });
    t.like(stopped, { exitCode: 255, reason: 'foreign' });
    t.is(stage.state()['status'], 'stopped');
    t.is(stage.call(['delete', id]).status, 0);
    t.deepEqual(await containers.list({ all: true }), []);
    t.is(await code(t, containers.inspect({ container: id })), 'E_NOT_FOUND');
  });
});

oci('oci: an exec by the kernel is where the container is', async (t, base) => {
  const stage = inRunRoot(base);
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  await withKernel(stage, async ({ engine: { containers } }) => {
    const exec = (args: readonly string[], more = {}, call = {}) => told(containers.exec({ container: id, args, ...more }, call));
    t.deepEqual(await exec(['sh', '-c', 'echo $0 $A $PWD; cat; echo bad >&2; exit 3', 'said'], { env: ['A=b'], cwd: '/bin', stdin: true }, { input: bytes('fed\n') }), { exitCode: 3, output: 'said b /bin\nfed\nbad\n' });
    t.deepEqual(await exec(['tty'], { terminal: true }), { exitCode: 0, output: '/dev/pts/0\r\n' });
    t.is((await exec(['id', '-u'], { user: '7' })).output, '7\n');
    t.is(await code(t, exec(['nope'])), 'E_COMMAND');
    t.is(await code(t, exec([])), 'E_INVALID');
    const leaving = containers.exec({ container: id, args: ['sleep', '61'] })[Symbol.asyncIterator]();
    const first = (await leaving.next()).value as { readonly pid: number };
    t.true((await containers.processes({ container: id })).includes(first.pid), 'in its groups');
    await leaving.return?.();
    t.true(await eventually(() => !isAlive(first.pid)), 'whose consumer leaves is ended');
    const killed = containers.exec({ container: id, execId: 'mine', args: ['sleep', '62'] })[Symbol.asyncIterator]();
    await killed.next();
    await containers.kill({ container: id, execId: 'mine', signal: 'SIGTERM' });
    t.like((await killed.next()).value, { type: 'exit', exitCode: 143, signal: 'SIGTERM' });
    t.true((await killed.next()).done);
    await containers.pause({ container: id });
    t.is(await code(t, exec(['true'])), 'E_STATE');
    await containers.resume({ container: id });
  });
});

oci('oci: a kernel that starts or ends adopts and removes nothing of core-oci\'s', async (t, base) => {
  const stage = inRunRoot(base);
  const { id } = stage;
  let parent = '';
  await withKernel(stage, async ({ engine: { containers } }) => {
    const own = await containers.run({ image: 'host', command: ['sleep', '60'] });
    parent = (/^0::(.*)\/[^/]*$/m.exec(readFileSync(`/proc/${own.pid}/cgroup`, 'utf8')) ?? [])[1] ?? '';
    t.true(parent.length > 1);
    await containers.remove({ container: own.id, force: true });
  });
  // Where a kernel would look for leftovers of its own.
  stage.configure(['sleep', '60'], (config) => ({ ...config, linux: { ...config.linux, cgroupsPath: `${parent}/${id}` } }));
  t.is(stage.call(['run', '-d', id]).status, 0);
  const pid = stage.state()['pid'] as number;
  await withKernel(stage, async ({ engine: { containers } }) => {
    t.is((await containers.list({})).length, 1);
    t.true(isAlive(pid));
    t.is(await code(t, containers.remove({ container: id, force: true })), 'E_UNSUPPORTED');
  });
  t.true(isAlive(pid));
  t.is(stage.state()['status'], 'running');
  t.true(existsSync(join(stage.root, id, 'state.json')));
  t.deepEqual(readdirSync(stage.root), [id]);
});
