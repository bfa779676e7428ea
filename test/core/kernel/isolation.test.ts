/** The kernel's side of isolated plugins, with a host that keeps the "child" at hand. The real one is tested with the links. */
import test from 'ava';
import type { IsolatedPlugin, IsolationHost, SpawnRequest } from '#core/kernel/index.js';
import { definePlugin } from '#core/kernel/index.js';
import { boot, Echo, echo, echoPlugin, nextTurn, Other } from '../../helpers/plugins.js';

interface Child {
  readonly request: SpawnRequest;
  readonly calls: string[];
  /** Ends it, as a crash would. */
  end(reason: Error | undefined): void;
}

function scriptedHost(changes: Partial<IsolatedPlugin> = {}): { host: IsolationHost; children: Child[] } {
  const children: Child[] = [];
  const host: IsolationHost = {
    async spawn(request) {
      let end: Child['end'] = () => {};
      const closed = new Promise<Error | undefined>((resolve) => (end = resolve));
      const calls: string[] = [];
      children.push({ request, calls, end });
      const log = (call: string) => async (): Promise<undefined> => void calls.push(call);
      return { implementations: { echo: echo(`child ${children.length}`) }, handover: log('handover'), takeBack: log('takeBack'), close: log('close'), closed, ...changes };
    },
  };
  return { host, children };
}

const entry = (version = '1.0.0') => ({ plugin: echoPlugin({ version }), isolation: 'process', module: '/plugins/echo/index.js' }) as const;

test('the child gets what the manifest says, and its port is like any other', async (t) => {
  const { host, children } = scriptedHost();
  const asking = definePlugin({
    name: 'echo', version: '1.0.0', api: 1, needs: { other: Other }, provides: { echo: Echo }, permissions: ['exec'], setup: () => ({ echo: echo() }),
  });
  const other = definePlugin({ name: 'other', version: '1.0.0', api: 1, provides: { other: Other }, setup: () => ({ other: { ask: async () => 'answer' } }) });
  const kernel = await boot([{ ...entry(), plugin: asking }, other], { isolation: host });
  const { request, calls } = children[0] as Child;
  t.like(request, { plugin: 'echo', module: '/plugins/echo/index.js', isolation: 'process', permissions: ['exec'], previous: undefined });
  const needed = request.needs['other']?.port as Other;
  t.is(await needed.ask({}), 'answer');
  t.is((await kernel.port(Echo).say({ text: '' })).version, 'child 1');
  t.is(kernel.plugins().find(({ name }) => name === 'echo')?.isolation, 'process');
  await kernel.close();
  t.deepEqual(calls, ['close']);
});

test('a tap of the child is checked here, runs with its arguments, and goes with it', async (t) => {
  const { host, children } = scriptedHost();
  const plugin = definePlugin({ name: 'echo', version: '1.0.0', api: 1, provides: { echo: Echo }, permissions: ['hooks:container.spec'], setup: () => ({ echo: echo() }) });
  const kernel = await boot([{ ...entry(), plugin }], { isolation: host });
  const { host: facilities } = (children[0] as Child).request;
  t.throws(() => facilities.tap({ hook: 'container.removed' }, async () => {}), { code: 'E_PERMISSION' });
  facilities.tap({ hook: 'container.spec' }, async ([spec, context], signal) => ({ ...(spec as object), hostname: (context as { id: string }).id, aborted: signal.aborted }));
  const spec = await kernel.hooks.container.spec.run({ ociVersion: '1' }, { id: 'web' } as never);
  t.deepEqual(spec as unknown, { ociVersion: '1', hostname: 'web', aborted: false });
  t.throws(() => facilities.emit({ type: 'container.exited', object: { kind: 'container', id: 'web' } }), { code: 'E_PERMISSION' });
  t.is(facilities.state, undefined);
  await kernel.close();
  t.deepEqual(kernel.hookMap().flatMap(({ taps }) => taps), []);
});

test('a child that ends by itself fails its calls, and nobody else\'s', async (t) => {
  const { host, children } = scriptedHost();
  await using kernel = await boot([entry()], { isolation: host });
  const failed: string[] = [];
  kernel.events.on(({ type, object }) => void failed.push(`${type} ${object.id}`));
  const answer = kernel.port(Echo).wait({});
  await nextTurn();
  (children[0] as Child).end(new Error('SIGSEGV'));
  await t.throwsAsync(answer, { code: 'E_CLOSED', message: /echo has failed: SIGSEGV/ });
  t.deepEqual(failed, ['plugin.failed echo']);
  t.is(kernel.plugins()[0]?.state, 'failed');
});

test('a swap puts a new child in the place of a dead one, without asking the dead', async (t) => {
  const { host, children } = scriptedHost();
  await using kernel = await boot([entry()], { isolation: host });
  const port = kernel.port(Echo);
  (children[0] as Child).end(undefined);
  await nextTurn();
  await kernel.swap('echo', entry('2.0.0'));
  t.is((await port.say({ text: '' })).version, 'child 2');
  t.deepEqual(children[0]?.calls, ['close']);
  t.is(kernel.plugins()[0]?.state, 'running');
});

test('a swap of a living child: handover, then the next one, then the end of the former', async (t) => {
  const { host, children } = scriptedHost({ handover: async () => ({ served: 7 }) });
  await using kernel = await boot([entry()], { isolation: host });
  await kernel.swap('echo', entry('2.0.0'));
  t.deepEqual(children[1]?.request.previous, { served: 7 });
  t.deepEqual(children[0]?.calls, ['close']);
  (children[0] as Child).end(undefined);
  await nextTurn();
  t.is(kernel.plugins()[0]?.state, 'running', 'the end of the former is not the end of the plugin');
});

test('a spawn that fails fails the boot, by name', async (t) => {
  const host: IsolationHost = { spawn: () => Promise.reject(new Error('no memory')) };
  await t.throwsAsync(boot([entry()], { isolation: host }), { code: 'E_PLUGIN', message: /^echo: setup failed: no memory/ });
});

test('isolation without a module to load is refused', async (t) => {
  await t.throwsAsync(boot([{ ...entry(), module: undefined }], { isolation: scriptedHost().host }), { code: 'E_PLUGIN', message: /names no module/ });
});
