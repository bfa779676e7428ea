/** What outlives whom: kernels, executors and monitors are killed, containers and their records are not lost. Needs root. */
import { fork, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { config } from '#runtime-linux/config.js';
import { createDriver, type Driver, type DriverOptions } from '#runtime-linux/driver.js';
import type { StateRecord } from '#runtime-linux/protocol.js';
import { declareUnless } from '../helpers/declare.js';
import { lacks } from '../helpers/machine.js';

const run = declareUnless(lacks({ root: true }));

interface World {
  readonly options: DriverOptions;
  driver(): Promise<Driver>;
}

async function withWorld(t: ExecutionContext, work: (world: World) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'runtime-recovery-'));
  await chmod(base, 0o711);
  const options = { ...config.parse({ cgroupParent: '/core-recovery' }), root: join(base, 'root'), runRoot: join(base, 'run'), lease: false, warn: (message: string) => t.log(message) };
  const open: Driver[] = [];
  const driver = async (): Promise<Driver> => {
    const next = await createDriver(options);
    open.push(next);
    return next;
  };
  try {
    await work({ options, driver });
  } finally {
    for (const one of open) await one.close();
    const last = await createDriver(options);
    await last.reconcile({ alive: [] });
    await last.close();
    await rm(base, { recursive: true, force: true });
  }
}

const request = (id: string, script: string) => ({
  id,
  spec: {
    ociVersion: '1.2.0',
    process: { args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'], cwd: '/', user: { uid: 0, gid: 0 } },
    mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs' }],
    linux: { namespaces: [{ type: 'pid' as const }, { type: 'mount' as const }, { type: 'network' as const }], resources: { pids: { limit: 50 } } },
  },
  rootfs: { kind: 'overlay' as const, lowers: ['/'] },
});

run('a kernel is killed: its containers run on, the next one adopts them and learns how the others ended', (t) =>
  withWorld(t, async ({ options, driver }) => {
    const first = await startedBy(options, [['lives', 'echo before; while :; do sleep 0.05; echo tick; done'], ['ends', 'sleep 0.3; exit 42'], ['orphan', 'sleep 1000']]);
    first.kill('SIGKILL');
    await new Promise((resolve) => first.once('exit', resolve));
    await new Promise((resolve) => setTimeout(resolve, 600));
    const next = await driver();
    const kept = await next.reconcile({ alive: ['lives', 'ends', 'never-was'] });
    t.deepEqual(kept.map(({ id, state }) => `${id} ${state}`).sort(), ['ends exited', 'lives running']);
    t.is((await next.wait({ id: 'ends' })).exitCode, 42);
    const lines = [];
    for await (const { line } of next.logs({ id: 'lives' })) lines.push(line);
    t.is(lines[0], 'before');
    t.true(lines.length > 5, 'the log went on while there was no kernel');
    const events = [];
    for await (const event of next.exec({ id: 'lives', args: ['sh', '-c', 'exit 3'] })) events.push(event);
    t.deepEqual(events.at(-1), { type: 'exit', exitCode: 3 });
    await t.throwsAsync(next.status({ id: 'orphan' }), { code: 'E_NOT_FOUND' });
  }));

run('the executor is killed: containers run on, exits are still heard, new ones can be started', (t) =>
  withWorld(t, async ({ driver }) => {
    const port = await driver();
    await port.create(request('one', 'sleep 0.5; exit 7'));
    await port.create(request('two', 'sleep 1000'));
    await port.start({ id: 'one' });
    await port.start({ id: 'two' });
    process.kill(await parentOf(await monitorOf(port, 'two')), 'SIGKILL');
    t.is((await port.wait({ id: 'one' })).exitCode, 7);
    t.is((await port.status({ id: 'two' })).state, 'running');
    await port.create(request('three', 'exit 5'));
    await port.start({ id: 'three' });
    t.is((await port.wait({ id: 'three' })).exitCode, 5);
    await port.signal({ id: 'two', signal: 'SIGTERM', all: true });
    await port.remove({ id: 'two' });
    await port.remove({ id: 'one' });
    t.deepEqual((await port.list({})).map(({ id }) => id), ['three']);
  }));

run('killed and started again at once, twenty times: no late news of a run is taken for the next', (t) =>
  withWorld(t, async ({ driver }) => {
    const port = await driver();
    await port.create(request('again', 'sleep 1000'));
    for (let round = 0; round < 20; round += 1) {
      await port.start({ id: 'again' });
      await port.signal({ id: 'again', signal: 'SIGKILL' });
      t.is((await port.wait({ id: 'again' })).signal, 'SIGKILL');
    }
    await port.start({ id: 'again' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.is((await port.status({ id: 'again' })).state, 'running');
  }));

run('a monitor is killed: its container is ended and cleaned, and the record says why', (t) =>
  withWorld(t, async ({ driver }) => {
    const port = await driver();
    await port.create(request('lost', 'sleep 1000'));
    const { pid } = await port.start({ id: 'lost' });
    process.kill(await monitorOf(port, 'lost'), 'SIGKILL');
    const exit = await port.wait({ id: 'lost' });
    t.deepEqual([exit.exitCode, exit.reason], [137, 'monitor-lost']);
    t.false(await isAlive(pid));
    await port.remove({ id: 'lost' });
  }));

run('kernel, executor and monitor are all killed: the next kernel ends what is left and says why', (t) =>
  withWorld(t, async ({ options, driver }) => {
    const first = await startedBy(options, [['lost', 'sleep 1000']]);
    const state = await stateOf(options.runRoot, 'lost');
    const executor = await parentOf(state.monitor);
    first.kill('SIGKILL');
    process.kill(executor, 'SIGKILL');
    process.kill(state.monitor, 'SIGKILL');
    await new Promise((resolve) => first.once('exit', resolve));
    const next = await driver();
    const [status] = await next.reconcile({ alive: ['lost'] });
    t.deepEqual([status?.id, status?.state, status?.exit?.reason], ['lost', 'exited', 'monitor-lost']);
    t.false(await isAlive(state.pid));
    await next.start({ id: 'lost' });
    t.is((await next.status({ id: 'lost' })).state, 'running', 'it may be started again');
  }));

for (const [title, io] of [['with a log', {}], ['without one', { log: null }]] as const) {
  run(`what a container ${title} keeps over a restart of the machine goes when it is removed, or when nobody names it`, (t) =>
    withWorld(t, async ({ options, driver }) => {
      const first = await driver();
      for (const id of ['named', 'forgotten']) {
        await first.create({ ...request(id, 'echo x > /written'), io });
        await first.start({ id });
        await first.wait({ id });
      }
      await first.close();
      // As the machine's start leaves it.
      await rm(options.runRoot, { recursive: true });
      const kept = async (): Promise<string[]> => {
        const folders = ['kept', 'upper', 'work'].map((kind) => readdir(join(options.root, 'containers', kind)));
        return (await Promise.all(folders)).flat().filter((name) => !name.startsWith('.'));
      };
      const next = await driver();
      await next.reconcile({ alive: ['named'] });
      t.deepEqual([...new Set(await kept())], ['named']);
      await next.remove({ id: 'named' });
      t.deepEqual(await kept(), []);
    }));
}

/** A kernel in a process of its own, which has started these. */
function startedBy(options: DriverOptions, containers: ReadonlyArray<readonly [id: string, script: string]>): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'runtime-kernel.js'), { stdio: 'inherit' });
  child.send({ options: { ...options, warn: undefined }, containers: containers.map(([id, script]) => request(id, script)) });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => (message === 'started' ? resolve(child) : reject(new Error(String(message)))));
    child.once('exit', (code) => reject(new Error(`the kernel ended with ${code}`)));
  });
}

async function monitorOf(port: Driver, id: string): Promise<number> {
  const { pid } = await port.status({ id });
  return parentOf(pid as number);
}

async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

async function stateOf(runRoot: string, id: string): Promise<StateRecord> {
  return JSON.parse(await readFile(join(runRoot, 'c', id, 'state'), 'utf8')) as StateRecord;
}

/** A zombie is dead: it waits for the machine's init to collect it. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}
