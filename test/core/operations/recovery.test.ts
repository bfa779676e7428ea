import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createKernel } from '#core/index.js';
import { startChild } from '../../helpers/child.js';
import { fileMachine } from '../../helpers/file-machine.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { instrumentedDrivers } from '../../helpers/instrument.js';
import { stateOf, testBed } from '../../helpers/kernel.js';
import { scenario } from './fixtures/scenario.js';

const program = new URL('fixtures/killed-kernel.js', import.meta.url);
const AT_ONCE = 3;

interface Ground {
  readonly root: string;
  readonly runRoot: string;
  readonly machine: string;
}

function makeGround(t: ExecutionContext): Ground {
  const folder = temporaryFolder(t);
  return { root: join(folder, 'root'), runRoot: join(folder, 'run'), machine: join(folder, 'machine') };
}

/** Lives until it kills itself, or until the scenario is over. */
async function runKilled({ root, runRoot, machine }: Ground, moment: number): Promise<{ steps: number; moments: number | undefined }> {
  const child = startChild(program, [root, runRoot, machine, String(moment)]);
  await child.line((line) => line.startsWith('moments')).catch(() => {});
  await child.kill();
  const over = child.lines.find((line) => line.startsWith('moments'));
  return { steps: child.lines.filter((line) => line.startsWith('step')).length, moments: over === undefined ? undefined : Number(over.split(' ')[1]) };
}

test('killed at any moment, the next kernel finds what was promised and nothing else', async (t) => {
  const { moments = 0 } = await runKilled(makeGround(t), 0);
  t.true(moments > 30, `only ${moments} moments to die at`);
  const pending = Array.from({ length: moments }, (_, index) => index + 1);
  const worker = async (): Promise<void> => {
    for (let moment = pending.shift(); moment !== undefined; moment = pending.shift()) await dieAndRecover(t, moment);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
});

async function dieAndRecover(t: ExecutionContext, moment: number): Promise<void> {
  const ground = makeGround(t);
  const { steps } = await runKilled(ground, moment);
  const { runtime, images, held } = fileMachine(ground.machine);
  const kernel = await createKernel({ root: ground.root, runRoot: ground.runRoot, plugins: [instrumentedDrivers(runtime, images, () => {})] });
  t.teardown(() => kernel.close());
  const infos = await kernel.engine.containers.list({ all: true });

  // What was acknowledged has happened; the step under way has happened or has not.
  const found = Object.fromEntries(infos.map(({ name, state }) => [name, state]));
  const allowed = [scenario[steps - 1]?.[1] ?? {}, scenario[steps]?.[1] ?? {}].map((snapshot) => JSON.stringify(Object.entries(snapshot).sort()));
  t.true(allowed.includes(JSON.stringify(Object.entries(found).sort())), `moment ${moment}, after step ${steps}: ${JSON.stringify(found)}`);

  // The machine holds exactly what has a record.
  const ids = infos.map(({ id }) => id).sort();
  t.deepEqual(held(), { containers: ids, leases: ids }, `moment ${moment}`);
  t.deepEqual((await stateOf(ground.root)).intents, [], `moment ${moment}`);

  // And all of it still works.
  for (const { id, state } of infos) {
    if (state === 'running') await kernel.engine.containers.stop({ container: id });
    else await kernel.engine.containers.start({ container: id });
    await kernel.engine.containers.remove({ container: id, force: true });
  }
  await kernel.close();
  t.deepEqual(held(), { containers: [], leases: [] }, `moment ${moment}`);
}

test('an orderly close stops and removes what is not to be kept; the next kernel adopts the rest', async (t) => {
  const { kernel, machine, boot } = await testBed(t);
  await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], name: 'passing' });
  const kept = await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], name: 'kept', keep: true });
  await kernel.close();
  t.deepEqual([...machine.containers.keys()], [kept.id]);
  t.is(machine.containers.get(kept.id)?.state, 'running');

  const { containers } = (await boot()).engine;
  t.deepEqual((await containers.list({})).map(({ name, pid }) => [name, pid]), [['kept', kept.pid]]);
  t.like(await containers.stop({ container: 'kept' }), { signal: 'SIGTERM' });
});

test('containers are removed in the reverse order of their making', async (t) => {
  const { kernel } = await testBed(t);
  const removed: string[] = [];
  kernel.events.on(({ type, object }) => type === 'container.removed' && removed.push(object.name ?? ''));
  for (const name of ['first', 'second', 'third']) await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], name });
  await kernel.close();
  t.deepEqual(removed, ['third', 'second', 'first']);
});

test('haste ends the patience of a close', async (t) => {
  const { kernel, machine } = await testBed(t, { fake: { ignoreSignals: ['SIGTERM'] } });
  await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], stopTimeout: 3600 });
  const haste = new AbortController();
  const closing = kernel.close({ haste: haste.signal });
  haste.abort();
  await closing;
  t.is(machine.containers.size, 0);
});

test('one that ended while no kernel was there gets its exit, its event and its hooks', async (t) => {
  const { kernel, machine, boot } = await testBed(t);
  const { id } = await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], name: 'kept', keep: true });
  await kernel.close();
  machine.containers.get(id)?.signal('SIGUSR1', false);
  const { engine } = await boot();
  const { exit } = await engine.containers.inspect({ container: 'kept' });
  t.like(exit, { signal: 'SIGUSR1', exitCode: 138 });
  t.deepEqual(await engine.containers.wait({ container: 'kept' }), exit);
  const last = await newest(engine.system.events({ since: 0 }), 'container.exited');
  t.like(last, { object: { name: 'kept' }, data: { exitCode: 138 } });
});

test('one the machine has forgotten is recorded as lost, and can be started again', async (t) => {
  const { kernel, machine, boot } = await testBed(t);
  const { id } = await kernel.engine.containers.run({ image: 'host', command: ['sleep', 'infinity'], name: 'kept', keep: true });
  await kernel.engine.containers.create({ image: 'host', command: ['true'], name: 'unstarted', keep: true });
  await kernel.close();
  machine.containers.clear();
  const { containers } = (await boot()).engine;
  t.like((await containers.inspect({ container: 'kept' })).exit, { exitCode: 255, reason: 'lost' });
  t.is((await containers.inspect({ container: 'unstarted' })).state, 'created');
  t.is((await containers.start({ container: 'kept' })).state, 'running');
  t.true(machine.containers.has(id));
  await containers.start({ container: 'unstarted' });
  t.is((await containers.wait({ container: 'unstarted' })).exitCode, 0);
});

async function newest<T extends { type: string }>(events: AsyncIterable<T>, type: string): Promise<T | undefined> {
  for await (const event of events) if (event.type === type) return event;
  return undefined;
}
