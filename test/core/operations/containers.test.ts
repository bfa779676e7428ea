import test, { type ExecutionContext } from 'ava';
import type { CoreError } from '#core/errors/index.js';
import type { EngineEvent } from '#core/contracts/index.js';
import { runtimeFake } from '#runtime-fake/index.js';
import { collect, stateOf, testBed } from '../../helpers/kernel.js';

const sleeper = { image: 'host', command: ['sleep', 'infinity'] };

async function code(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  return (await t.throwsAsync<CoreError>(work)).code;
}

test('a container lives: created, running, exited, running again, gone', async (t) => {
  const { kernel, machine, images, root } = await testBed(t);
  const { containers } = kernel.engine;
  const created = await containers.create({ ...sleeper, name: 'web', labels: { tier: 'front' } });
  t.like(created, { name: 'web', state: 'created', image: 'host', command: ['sleep', 'infinity'], labels: { tier: 'front' } });
  t.regex(created.id, /^[0-9a-f]{64}$/);
  t.deepEqual(await containers.list({}), []);

  t.like(await containers.start({ container: 'web' }), { state: 'running', id: created.id });
  t.is((await containers.list({ labels: { tier: 'front' } })).length, 1);
  t.is((await containers.list({ labels: { tier: 'back' } })).length, 0);
  t.deepEqual(images.leases.get(created.id), 'host');

  const exit = await containers.stop({ container: 'web' });
  t.like(exit, { exitCode: 143, signal: 'SIGTERM' });
  t.deepEqual(await containers.stop({ container: 'web' }), exit, 'a second stop tells the same');
  const stopped = await containers.inspect({ container: 'web' });
  t.is(stopped.state, 'exited');
  t.is(stopped.pid, undefined);
  t.deepEqual(stopped.exit, exit);

  const again = await containers.start({ container: 'web' });
  t.is(again.state, 'running');
  t.is(again.exit, undefined);
  await containers.remove({ container: 'web', force: true });
  t.is(machine.containers.size, 0);
  t.is(images.leases.size, 0);
  t.is(await code(t, containers.inspect({ container: 'web' })), 'E_NOT_FOUND');
  await kernel.close();
  t.deepEqual(await stateOf(root), { containers: [], intents: [] });
});

test('a name, an id or an unambiguous prefix of it leads to a container', async (t) => {
  const { engine } = (await testBed(t)).kernel;
  const made = await Promise.all(Array.from({ length: 40 }, () => engine.containers.create(sleeper)));
  const [first] = made;
  t.is(first?.name, first?.id.slice(0, 12));
  for (const { id, name } of made) {
    t.is((await engine.containers.inspect({ container: id })).id, id);
    t.is((await engine.containers.inspect({ container: name })).id, id);
  }
  t.is(await code(t, engine.containers.inspect({ container: first?.id.slice(0, 2) ?? '' })), 'E_NOT_FOUND', 'two digits are too few');
  t.is(await code(t, engine.containers.inspect({ container: '' })), 'E_NOT_FOUND');
});

test('an ambiguous prefix names whom it means', async (t) => {
  const { Registry } = await import('#core/operations/container/registry.js');
  const registry = new Registry();
  registry.reserve('abcd1'.padEnd(64, '0'), 'one');
  registry.reserve('abcd2'.padEnd(64, '0'), 'two');
  const error = t.throws<CoreError>(() => registry.find('abcd'));
  t.is(error.code, 'E_INVALID');
  t.regex(error.message, /\(one\).*\(two\)/);
  t.is(registry.find('abcd2').name, 'two');
});

test('a taken name is refused, and free again after the removal', async (t) => {
  const { engine } = (await testBed(t)).kernel;
  await engine.containers.create({ ...sleeper, name: 'web' });
  t.is(await code(t, engine.containers.create({ ...sleeper, name: 'web' })), 'E_EXISTS');
  await engine.containers.remove({ container: 'web' });
  await t.notThrowsAsync(engine.containers.create({ ...sleeper, name: 'web' }));
});

test('what the state does not allow is refused, and says which state it is', async (t) => {
  const { containers } = (await testBed(t)).kernel.engine;
  await containers.create({ ...sleeper, name: 'web' });
  for (const work of [
    containers.stop({ container: 'web' }),
    containers.kill({ container: 'web' }),
    containers.pause({ container: 'web' }),
    containers.resume({ container: 'web' }),
    containers.stats({ container: 'web' }),
    collect(containers.exec({ container: 'web', args: ['true'] })),
  ]) {
    const error = await t.throwsAsync<CoreError>(work);
    t.is(error.code, 'E_STATE');
    t.regex(error.message, /web is created/);
  }
  await containers.start({ container: 'web' });
  t.is(await code(t, containers.start({ container: 'web' })), 'E_STATE');
  const refused = await t.throwsAsync<CoreError>(containers.remove({ container: 'web' }));
  t.is(refused.code, 'E_STATE');
  t.regex(refused.hint, /force/);
});

test('a container that ignores its stop signal is killed when patience ends', async (t) => {
  const { containers } = (await testBed(t, { fake: { ignoreSignals: ['SIGTERM', 'SIGINT'] } })).kernel.engine;
  await containers.run({ ...sleeper, name: 'web', stopTimeout: 0.02, stopSignal: 'int' });
  t.like(await containers.stop({ container: 'web' }), { exitCode: 137, signal: 'SIGKILL' });
});

test('stop wakes a paused container, and kill reaches one whose stop still waits', async (t) => {
  const { containers } = (await testBed(t, { fake: { ignoreSignals: ['SIGTERM'] } })).kernel.engine;
  await containers.run({ ...sleeper, name: 'web' });
  await containers.pause({ container: 'web' });
  t.is((await containers.inspect({ container: 'web' })).state, 'paused');
  const stopping = containers.stop({ container: 'web', timeout: 60 });
  await containers.kill({ container: 'web', signal: '2' });
  t.like(await stopping, { signal: 'SIGINT' });
});

test('a forced removal does not wait for the patience of a stop', async (t) => {
  const { containers } = (await testBed(t, { fake: { ignoreSignals: ['SIGTERM'] } })).kernel.engine;
  await containers.run({ ...sleeper, name: 'web' });
  const stopping = containers.stop({ container: 'web', timeout: 3600 });
  await containers.remove({ container: 'web', force: true });
  t.like(await stopping, { signal: 'SIGKILL' });
});

test('an aborted stop leaves a container that can be stopped again', async (t) => {
  const { containers } = (await testBed(t, { fake: { ignoreSignals: ['SIGTERM'] } })).kernel.engine;
  await containers.run({ ...sleeper, name: 'web' });
  const abort = new AbortController();
  const stopping = containers.stop({ container: 'web', timeout: 3600 }, { signal: abort.signal });
  setTimeout(() => abort.abort(), 10);
  t.is(await code(t, stopping), 'E_ABORTED');
  t.like(await containers.stop({ container: 'web', timeout: 0 }), { signal: 'SIGKILL' });
});

test('a misspelt signal is refused with the one that was meant', async (t) => {
  const { containers } = (await testBed(t)).kernel.engine;
  await containers.run({ ...sleeper, name: 'web' });
  const error = await t.throwsAsync<CoreError>(containers.kill({ container: 'web', signal: 'SIGKIL' }));
  t.is(error.code, 'E_INVALID');
  t.regex(error.message, /SIGKILL/);
});

test('one that removes itself is gone once it ended, and its exit can still be asked for', async (t) => {
  const { kernel, machine } = await testBed(t);
  const { containers } = kernel.engine;
  const { id } = await containers.run({ image: 'host', command: ['exit', '7'], remove: true });
  t.is((await containers.wait({ container: id })).exitCode, 7);
  while ((await containers.list({ all: true })).length > 0) await new Promise(setImmediate);
  t.is(machine.containers.size, 0);
  t.is((await containers.wait({ container: id })).exitCode, 7);
});

test('wait settles with the end, at once afterwards, and with the abort of its caller', async (t) => {
  const { containers } = (await testBed(t)).kernel.engine;
  await containers.create({ image: 'host', command: ['exit', '3'], name: 'web' });
  const early = containers.wait({ container: 'web' });
  const abort = new AbortController();
  const aborted = containers.wait({ container: 'web' }, { signal: abort.signal });
  abort.abort();
  t.is(await code(t, aborted), 'E_ABORTED');
  await containers.start({ container: 'web' });
  t.is((await early).exitCode, 3);
  t.is((await containers.wait({ container: 'web' })).exitCode, 3);
  await containers.create({ ...sleeper, name: 'never' });
  const unstarted = containers.wait({ container: 'never' });
  await containers.remove({ container: 'never' });
  t.is(await code(t, unstarted), 'E_NOT_FOUND');
});

test('output comes through logs and attach, an exec has its own', async (t) => {
  const { containers } = (await testBed(t)).kernel.engine;
  await containers.run({ image: 'host', command: ['sh', '-c', 'echo out; echo err >&2'], name: 'web' });
  await containers.wait({ container: 'web' });
  const lines = await collect(containers.logs({ container: 'web', follow: true }));
  t.deepEqual(lines.map(({ stream, line }) => [stream, line]), [['stdout', 'out'], ['stderr', 'err']]);
  await containers.run({ ...sleeper, name: 'shell' });
  const events = await collect(containers.exec({ container: 'shell', args: ['echo', 'inside'] }));
  t.deepEqual(events.map(({ type }) => type), ['started', 'stdout', 'exit']);
  t.is(await code(t, collect(containers.exec({ container: 'shell', args: ['no-such-program'] }))), 'E_COMMAND');
  t.is(await code(t, collect(containers.logs({ container: 'nobody' }))), 'E_NOT_FOUND');
});

test('new limits reach the runtime and the record, and nothing else changes', async (t) => {
  const { kernel, machine } = await testBed(t);
  const { containers } = kernel.engine;
  const { id } = await containers.run({ ...sleeper, name: 'web', memory: '64m', pids: 10 });
  const resources = await containers.update({ container: 'web', limits: { memory: '128m' } });
  t.is(resources.memory?.limit, 128 * 1024 ** 2);
  t.is(resources.pids?.limit, 10);
  t.is(machine.containers.get(id)?.resources.memory?.limit, 128 * 1024 ** 2);
  const { settings, spec } = await containers.inspect({ container: 'web' });
  t.is(settings?.memory, 128 * 1024 ** 2);
  t.is(settings?.memorySwap, 128 * 1024 ** 2, 'still no swap');
  t.is(spec.linux?.resources?.memory?.limit, 128 * 1024 ** 2);
  const error = await t.throwsAsync<CoreError>(containers.update({ container: 'web', limits: { memoryReservation: '1g' } }));
  t.deepEqual(error.issues.map(({ path }) => path), ['limits.memoryReservation']);
  t.is((await containers.inspect({ container: 'web' })).settings?.memoryReservation, undefined);
});

test('every change is told, in order, numbered, and again from the journal', async (t) => {
  const { kernel, boot } = await testBed(t);
  const abort = new AbortController();
  const live: EngineEvent[] = [];
  const following = (async () => {
    for await (const event of kernel.engine.system.events({}, { signal: abort.signal })) live.push(event);
  })();
  const { containers } = kernel.engine;
  await containers.run({ image: 'host', command: ['exit', '4'], name: 'web' });
  await containers.wait({ container: 'web' });
  await containers.remove({ container: 'web' });
  abort.abort();
  await following.catch(() => {});
  const types = ['image.stored', 'container.created', 'container.started', 'container.exited', 'container.removed'];
  t.deepEqual(live.map(({ type }) => type), types);
  t.deepEqual(live.map(({ sequence }) => sequence), [1, 2, 3, 4, 5]);
  t.like(live[3], { object: { kind: 'container', name: 'web' }, data: { exitCode: 4, oomKilled: false } });
  await kernel.close();

  const next = await boot();
  const past: EngineEvent[] = [];
  for await (const event of next.engine.system.events({ since: 1 })) {
    past.push(event);
    if (past.length === 4) await next.engine.containers.create(sleeper);
    if (past.length === 5) break;
  }
  t.deepEqual(past.map(({ sequence, type }) => [sequence, type]), [...types.slice(1).map((type, index) => [index + 2, type]), [6, 'container.created']]);
});

test('an out-of-memory kill is told', async (t) => {
  const { kernel } = await testBed(t, { fake: { oom: true, exitAfterMs: 5 } });
  const { containers } = kernel.engine;
  const told = new Promise<EngineEvent>((resolve) => kernel.events.on((event) => event.type === 'container.oom' && resolve(event)));
  await containers.run({ ...sleeper, name: 'web' });
  t.is((await told).object.name, 'web');
  t.true((await containers.wait({ container: 'web' })).oomKilled);
});

test('operations on one container take turns, whoever calls first', async (t) => {
  const { kernel, machine } = await testBed(t);
  const { containers } = kernel.engine;
  await containers.create({ ...sleeper, name: 'web' });
  const results = await Promise.allSettled([
    containers.start({ container: 'web' }),
    containers.start({ container: 'web' }),
    containers.stop({ container: 'web' }),
    containers.start({ container: 'web' }),
    containers.remove({ container: 'web' }),
    containers.stop({ container: 'web' }),
    containers.remove({ container: 'web' }),
    containers.remove({ container: 'web' }),
  ]);
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? 'done' : (result.reason as CoreError).code)),
    ['done', 'E_STATE', 'done', 'done', 'E_STATE', 'done', 'done', 'done'],
  );
  t.is(machine.containers.size, 0);
});

test('a hundred at once are a hundred containers, and none is left', async (t) => {
  const { kernel, machine, images, root } = await testBed(t);
  const { containers } = kernel.engine;
  const exits = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const { id } = await containers.run({ image: 'host', command: ['exit', String(index)] });
      const { exitCode } = await containers.wait({ container: id });
      await containers.remove({ container: id });
      return exitCode;
    }),
  );
  t.deepEqual(exits, Array.from({ length: 100 }, (_, index) => index));
  t.is(machine.containers.size, 0);
  t.is(images.leases.size, 0);
  await kernel.close();
  t.deepEqual(await stateOf(root), { containers: [], intents: [] });
});

test('images come, are listed, and go unless a container uses them', async (t) => {
  const { containers, images } = (await testBed(t)).kernel.engine;
  await images.ensure({ reference: 'oci:/x:1', name: 'app' });
  t.deepEqual((await images.list({})).map(({ names }) => names), [['app']]);
  await containers.create({ ...sleeper, image: 'app', name: 'web' });
  t.is(await code(t, images.remove({ reference: 'app' })), 'E_IN_USE');
  await containers.remove({ container: 'web' });
  await images.remove({ reference: 'app' });
  t.deepEqual(await images.list({}), []);
});

test('the runtime is swapped under running containers, and their ends are still noticed', async (t) => {
  const { kernel, machine, images } = await testBed(t);
  const { containers } = kernel.engine;
  const { id } = await containers.run({ ...sleeper, name: 'web' });
  const waiting = containers.wait({ container: 'web' });
  await kernel.swap('runtime-fake', { plugin: runtimeFake(machine, images) }, { drainTimeout: 50 });
  await containers.run({ ...sleeper, name: 'after' });
  machine.containers.get(id)?.signal('SIGUSR1', false);
  t.like(await waiting, { signal: 'SIGUSR1' });
  t.is((await containers.inspect({ container: 'web' })).state, 'exited');
  t.like(await containers.stop({ container: 'after' }), { signal: 'SIGTERM' });
});
