import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { definePlugin, Engine, Images, Runtime } from '@core/core/plugin';
import { attach, createKernel } from '#core/index.js';
import type { CoreError } from '#core/errors/index.js';
import { createFakeImages, createFakeRuntime, runtimeFake } from '#runtime-fake/index.js';
import { startChild } from '../../helpers/child.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { collect, testBed } from '../../helpers/kernel.js';

const program = new URL('fixtures/private-kernel.js', import.meta.url);
const sleeper = { image: 'host', command: ['sleep', 'infinity'] };

test('a kernel is reached through its socket, by the same operations', async (t) => {
  const { kernel } = await testBed(t);
  await using remote = await attach({ path: kernel.socket });
  const { containers, system } = remote.engine;
  t.like(await system.ping({}), { pid: process.pid, root: kernel.root });
  const { id } = await containers.run({ image: 'host', command: ['echo', 'hi'], name: 'web' });
  await containers.wait({ container: id });
  t.deepEqual((await collect(containers.logs({ container: 'web' }))).map(({ line }) => line), ['hi']);
  t.is((await kernel.engine.containers.inspect({ container: 'web' })).id, id);
  const error = await t.throwsAsync<CoreError>(containers.run({ image: 'host', memory: '1k' }));
  t.deepEqual([error.code, error.issues[0]?.path], ['E_INVALID', 'memory']);
  t.is(statSync(kernel.socket).mode & 0o777, 0o600);
  await kernel.close();
  t.false(existsSync(kernel.socket));
});

test('a socket nobody listens at is said to be one', async (t) => {
  const error = await t.throwsAsync<CoreError>(attach({ path: join(temporaryFolder(t), 'core.sock') }));
  t.is(error.code, 'E_UNREACHABLE');
});

test('a root has one kernel, and is free again after it', async (t) => {
  const { kernel, boot } = await testBed(t);
  const error = await t.throwsAsync<CoreError>(boot());
  t.is(error.code, 'E_BUSY');
  t.regex(error.message, new RegExp(`pid ${process.pid}`));
  await t.notThrowsAsync(kernel.engine.containers.create(sleeper), 'the first one is unharmed');
  await kernel.close();
  await t.notThrowsAsync(boot());
});

test('two kernels side by side know nothing of each other', async (t) => {
  const one = await testBed(t);
  const other = await testBed(t);
  await one.kernel.engine.containers.run({ ...sleeper, name: 'web' });
  await other.kernel.engine.containers.run({ ...sleeper, name: 'web' });
  await one.kernel.close();
  t.is(one.machine.containers.size, 0);
  t.like(await other.kernel.engine.containers.list({}), [{ name: 'web', state: 'running' }]);
});

test('a closed kernel holds nothing, refuses everything, and may be closed again', async (t) => {
  const { kernel } = await testBed(t);
  await kernel.engine.containers.run(sleeper);
  const waiting = kernel.engine.containers.wait({ container: (await kernel.engine.containers.list({}))[0]?.id ?? '' });
  await Promise.all([kernel.close(), t.throwsAsync(waiting)]);
  t.deepEqual(kernel.effects(), []);
  t.is(kernel.events.listeners, 0);
  t.is((await t.throwsAsync<CoreError>(kernel.engine.containers.list({}))).code, 'E_CLOSED');
  await kernel.close();
});

test('private kernels live in folders of their own, which go with them', async (t) => {
  const folder = temporaryFolder(t);
  const [root, runRoot] = [join(folder, 'root'), join(folder, 'run')];
  const kernels = await Promise.all([1, 2].map(() => createKernel({ root, runRoot, lease: true, plugins: [runtimeFake()] })));
  t.is(new Set(kernels.map((kernel) => kernel.root)).size, 2);
  for (const kernel of kernels) {
    t.true(kernel.root.startsWith(join(root, 'ephemeral')));
    await kernel.engine.containers.run({ ...sleeper, name: 'web' });
    await kernel.close();
  }
  t.deepEqual([readdirSync(join(root, 'ephemeral')), readdirSync(join(runRoot, 'e'))], [[], []]);
});

test('what a dead private kernel left is swept by the next one, the living are left alone', async (t) => {
  const folder = temporaryFolder(t);
  const [root, runRoot] = [join(folder, 'root'), join(folder, 'run')];
  const [living, dead] = [startChild(program, [root, runRoot]), startChild(program, [root, runRoot])];
  t.teardown(() => living.kill());
  const [livingRoot, deadRoot] = await Promise.all([living, dead].map((child) => child.line((line) => line.startsWith(root))));
  await dead.kill();
  t.true(existsSync(deadRoot ?? ''));

  const reconciled: string[] = [];
  const drivers = definePlugin({
    name: 'drivers',
    version: '0.1.0',
    api: 1,
    provides: { runtime: Runtime, images: Images },
    setup(ctx) {
      const runtime = createFakeRuntime();
      const reconcile: Runtime['reconcile'] = (request) => {
        reconciled.push(`${ctx.root} ${JSON.stringify(request.alive)} ${ctx.lease} ${ctx.shared}`);
        return runtime.reconcile(request);
      };
      return { runtime: { ...runtime, reconcile }, images: createFakeImages() };
    },
  });
  const door = definePlugin({ name: 'door', version: '0.1.0', api: 1, needs: { engine: Engine }, setup: () => {} });
  const kernel = await createKernel({ root, runRoot, lease: true, plugins: [drivers, door] });
  t.deepEqual(reconciled, [`${deadRoot} [] true ${root}`, `${kernel.root} [] true ${root}`], 'its drivers were asked to free everything there');
  t.false(existsSync(deadRoot ?? ''));
  t.true(existsSync(livingRoot ?? ''));
  await kernel.close();
  t.is(readdirSync(join(runRoot, 'e')).length, 1);
});

test('a boot that fails leaves the containers of the root as they are, and the root free', async (t) => {
  const { kernel, machine, boot } = await testBed(t);
  await kernel.engine.containers.run({ ...sleeper, name: 'kept', keep: true });
  await kernel.engine.containers.create({ ...sleeper, name: 'also', keep: true });
  await kernel.close();
  const broken = definePlugin({
    name: 'broken',
    version: '0.1.0',
    api: 1,
    needs: { engine: Engine },
    setup() {
      throw new Error('no such port');
    },
  });
  const error = await t.throwsAsync<CoreError>(boot({ plugins: [broken] }));
  t.is(error.code, 'E_PLUGIN');
  t.regex(error.message, /broken.*no such port/);
  t.is(machine.containers.size, 2);
  const again = await boot();
  t.deepEqual((await again.engine.containers.list({ all: true })).map(({ name, state }) => [name, state]), [['kept', 'running'], ['also', 'created']]);
});

test('the engine tells who is plugged in and where', async (t) => {
  const tapper = definePlugin({
    name: 'tapper',
    version: '1.2.3',
    api: 1,
    permissions: ['hooks:container.spec', 'state'],
    async setup({ hooks, state }) {
      hooks.container.spec.tap({}, () => undefined);
      await state.put('seen', (Number(await state.get('seen')) || 0) + 1);
    },
  });
  const { kernel, boot } = await testBed(t, { plugins: [tapper] });
  const { system } = kernel.engine;
  t.deepEqual((await system.plugins({})).map(({ name }) => name), ['runtime-fake', 'tapper', 'operations']);
  t.deepEqual((await system.hooks({})).find(({ name }) => name === 'container.spec')?.taps, ['tapper']);
  await kernel.close();
  let seen: unknown;
  const reader = definePlugin({
    name: 'tapper',
    version: '1.2.4',
    api: 1,
    permissions: ['state'],
    async setup({ state }) {
      seen = await state.get('seen');
    },
  });
  await boot({ plugins: [reader] });
  t.is(seen, 1, 'the state of a plugin outlives its kernel');
});

test('plugins may be named; what cannot be loaded is said with its place', async (t) => {
  const folder = temporaryFolder(t);
  const places = { root: join(folder, 'root'), runRoot: join(folder, 'run'), lease: true };
  const named = fileURLToPath(new URL('../../../../plugins/runtime-fake/dist/index.js', import.meta.url));
  const tapper = definePlugin({ name: 'tapper', version: '1.0.0', api: 1, setup: () => {} });
  const kernel = await createKernel({ ...places, plugins: [tapper, named] });
  t.deepEqual(kernel.plugins().map(({ name }) => name), ['runtime-fake', 'tapper', 'operations']);
  await kernel.close();
  const error = await t.throwsAsync<CoreError>(createKernel({ ...places, plugins: [tapper, '@nobody/nothing', './nowhere.js'] }));
  t.is(error.code, 'E_INVALID');
  t.deepEqual(error.issues.map(({ path }) => path), ['plugins[1].module', 'plugins[2].module']);
});
