/** What a bad plugin cannot do: harm the kernel, or a container that runs. */
import test, { type ExecutionContext } from 'ava';
import { Images, Runtime } from '#core/contracts/index.js';
import { definePlugin, type Context, type Plugin } from '#core/kernel/index.js';
import type { CoreKernel } from '#core/index.js';
import { runtimeFake } from '#runtime-fake/index.js';
import { testBed, type TestBed } from '../../helpers/kernel.js';

const never = new Promise<never>(() => {});
const sleeper = { image: 'host', command: ['sleep', 'infinity'] };

async function withContainer(t: ExecutionContext, plugins: readonly Plugin[] = []): Promise<TestBed & { pid: number | undefined }> {
  const bed = await testBed(t, { plugins });
  const { pid } = await bed.kernel.engine.containers.run({ ...sleeper, name: 'web', keep: true });
  return { ...bed, pid };
}

async function assertUnharmed(t: ExecutionContext, kernel: CoreKernel, pid: number | undefined): Promise<void> {
  const running = await kernel.engine.containers.list({});
  t.deepEqual(running.map((container) => [container.name, container.state, container.pid]), [['web', 'running', pid]]);
  await kernel.engine.containers.run({ ...sleeper, name: 'another' });
  await kernel.engine.containers.remove({ container: 'another', force: true });
  t.deepEqual((await kernel.engine.containers.list({ all: true })).map(({ name }) => name), ['web']);
}

/** Bad to containers called `victim` alone. */
function tapping(tap: (ctx: HookContext) => void): Plugin {
  return definePlugin({ name: 'bad', version: '1.0.0', api: 1, permissions: ['hooks:container.*'], setup: (ctx) => tap(ctx) });
}

type HookContext = Context<undefined, Record<never, never>, 'hooks:container.*'>;

test('a broken setup: no kernel, and the containers of the one before run on', async (t) => {
  const { kernel, machine, pid, boot } = await withContainer(t);
  await kernel.close();
  const broken = definePlugin({ name: 'broken', version: '1.0.0', api: 1, setup: () => Promise.reject(new Error('no device')) });
  await t.throwsAsync(boot({ plugins: [broken] }), { code: 'E_PLUGIN', message: /broken: setup failed: no device/ });
  t.is(machine.containers.size, 1);
  const next = await boot();
  await assertUnharmed(t, next, pid);
});

test('a broken setup of an optional plugin: the kernel does without', async (t) => {
  const { kernel, pid, boot } = await withContainer(t);
  await kernel.close();
  const broken = definePlugin({ name: 'broken', version: '1.0.0', api: 1, setup: () => Promise.reject(new Error('no device')) });
  const next = await boot({ plugins: [{ plugin: broken, optional: true }] });
  t.is(next.plugins().find(({ name }) => name === 'broken')?.state, 'failed');
  await assertUnharmed(t, next, pid);
});

for (const [where, tap] of [
  ['admit', (ctx: HookContext) => ctx.hooks.container.admit.tap({}, ({ name }) => throwFor(name))],
  ['spec', (ctx: HookContext) => ctx.hooks.container.spec.tap({}, (spec, { name }) => throwFor(name) ?? spec)],
  ['assemble', (ctx: HookContext) => ctx.hooks.container.assemble.tap({}, ({ name }) => throwFor(name))],
  ['started', (ctx: HookContext) => ctx.hooks.container.started.tap({}, ({ name }) => throwFor(name))],
] as const) {
  test(`a tap of container.${where} that throws: that operation fails by name, and leaves nothing`, async (t) => {
    const { kernel, machine, pid } = await withContainer(t, [tapping((ctx) => void tap(ctx))]);
    await t.throwsAsync(kernel.engine.containers.run({ ...sleeper, name: 'victim' }), { code: 'E_HOOK', message: new RegExp(`container\\.${where} \\(bad\\).*no victims`) });
    t.is(machine.containers.size, 1);
    await assertUnharmed(t, kernel, pid);
  });
}

test('a tap that throws after the end of a container changes nothing of its end', async (t) => {
  const { kernel, pid } = await withContainer(t, [tapping((ctx) => void ctx.hooks.container.exited.tap({}, ({ name }) => throwFor(name)))]);
  await kernel.engine.containers.run({ ...sleeper, name: 'victim' });
  t.like(await kernel.engine.containers.stop({ container: 'victim' }), { signal: 'SIGTERM' });
  await kernel.engine.containers.remove({ container: 'victim' });
  await assertUnharmed(t, kernel, pid);
});

test('a tap that never returns: the operation ends when its caller has had enough, and leaves nothing', async (t) => {
  const abort = new AbortController();
  const hanging = tapping((ctx) => {
    ctx.hooks.container.assemble.tap({}, ({ name }) => {
      if (name !== 'victim') return;
      setImmediate(() => abort.abort());
      return never;
    });
  });
  const { kernel, machine, pid } = await withContainer(t, [hanging]);
  await t.throwsAsync(kernel.engine.containers.run({ ...sleeper, name: 'victim' }, { signal: abort.signal }), { code: 'E_ABORTED' });
  t.is(machine.containers.size, 1);
  await assertUnharmed(t, kernel, pid);
});

test('a swap of the runtime that fails half-way: its containers run on, who waits for them waits on', async (t) => {
  const { kernel, pid } = await withContainer(t);
  const waiting = kernel.engine.containers.wait({ container: 'web' });
  const broken = definePlugin({
    name: 'runtime-fake', version: '0.2.0', api: 1,
    provides: { runtime: Runtime, images: Images },
    setup(ctx) {
      ctx.effect('half of it', () => {});
      throw new Error('half-way');
    },
  });
  await t.throwsAsync(kernel.swap('runtime-fake', { plugin: broken }), { code: 'E_SWAP', message: /half-way; the former version is back in place/ });
  await assertUnharmed(t, kernel, pid);
  await kernel.engine.containers.kill({ container: 'web' });
  t.like(await waiting, { signal: 'SIGKILL' });
});

test('a swap of the runtime that succeeds: its containers run on, who waits for them waits on', async (t) => {
  const { kernel, machine, images, pid } = await withContainer(t);
  const waiting = kernel.engine.containers.wait({ container: 'web' });
  await kernel.swap('runtime-fake', { plugin: runtimeFake(machine, images) });
  await assertUnharmed(t, kernel, pid);
  await kernel.engine.containers.kill({ container: 'web' });
  t.like(await waiting, { signal: 'SIGKILL' });
});

function throwFor(name: string): undefined {
  if (name === 'victim') throw new Error('no victims');
  return undefined;
}
