/** Up in plan order, down in reverse, and nothing left when something fails on the way. */
import test from 'ava';
import { z } from 'zod';
import { CoreError } from '#core/errors/index.js';
import { definePlugin, optional, type PluginContext } from '#core/kernel/index.js';
import { createLogger } from '#core/log/index.js';
import { boot, Echo, echo, echoPlugin, nextTurn, Other, plain } from '../../helpers/plugins.js';

const never = new Promise<never>(() => {});

/** Logs when it comes up and goes down. */
function logging(seen: string[], ctx: PluginContext<unknown>): void {
  seen.push(`up ${ctx.plugin.name}`);
  ctx.effect('thing', () => void seen.push(`down ${ctx.plugin.name}`));
}

test('providers first, closing backwards, nothing left', async (t) => {
  const seen: string[] = [];
  const setup = (ctx: PluginContext<unknown>) => logging(seen, ctx);
  const user = plain('user', { needs: [Echo], setup });
  const kernel = await boot([user, echoPlugin({ setup: setup as never })]);
  t.deepEqual(seen, ['up echo', 'up user']);
  t.deepEqual(kernel.effects(), [{ plugin: 'echo', label: 'thing' }, { plugin: 'user', label: 'thing' }]);
  t.deepEqual(kernel.plugins().map(({ name, state }) => `${name} ${state}`), ['echo running', 'user running']);
  await Promise.all([kernel.close(), kernel.close()]);
  t.deepEqual(seen.slice(2), ['down user', 'down echo']);
  t.deepEqual(kernel.effects(), []);
  t.is(kernel.events.listeners, 0);
});

test('those of one level come up together', async (t) => {
  let arrived = 0;
  let both = (): void => {};
  const meeting = new Promise<void>((resolve) => (both = resolve));
  const meet = async () => {
    if (++arrived === 2) both();
    await meeting;
  };
  const kernel = await boot([plain('a', { setup: meet }), plain('b', { setup: meet })]);
  t.is(arrived, 2);
  await kernel.close();
});

test('await using closes', async (t) => {
  let closed = false;
  {
    await using kernel = await boot([plain('a', { setup: (ctx) => void ctx.effect('x', () => (closed = true)) })]);
    t.is(kernel.plugins().length, 1);
  }
  t.true(closed);
});

test('a port goes to the provider; optional needs may be unmet', async (t) => {
  let answer: unknown;
  const user = definePlugin({
    name: 'user', version: '1.0.0', api: 1,
    needs: { echo: Echo, other: optional(Other) },
    async setup(ctx) {
      answer = [await ctx.echo.say({ text: 'hello' }), ctx.other];
    },
  });
  await using kernel = await boot([user, echoPlugin()]);
  t.deepEqual(answer, [{ text: 'hello', version: '1.0.0' }, undefined]);
  t.is((await kernel.port(Echo).say({ text: 'x' })).text, 'x');
  t.throws(() => kernel.port(Other), { code: 'E_UNPROVIDED' });
});

const brokenSetup = test.macro(async (t, setup: () => unknown, message: RegExp) => {
  const seen: string[] = [];
  const first = plain('first', { provides: [Other], setup: (ctx) => (logging(seen, ctx), { other: { ask: async () => '' } }) });
  const broken = plain('broken', { needs: [Other], setup: (ctx) => (logging(seen, ctx), setup()) });
  const error = await t.throwsAsync<CoreError>(boot([first, broken], { setupDeadline: 30 }), { instanceOf: CoreError, code: 'E_PLUGIN', message });
  t.deepEqual(error?.object, { kind: 'plugin', id: 'broken' });
  t.deepEqual(seen, ['up first', 'up broken', 'down broken', 'down first']);
});

test('a setup that throws unwinds all', brokenSetup, () => { throw new Error('no device'); }, /^broken: setup failed: no device/);
test('a setup that rejects unwinds all', brokenSetup, () => Promise.reject(new Error('no device')), /no device/);
test('a setup that never returns unwinds all', brokenSetup, () => never, /took longer than 0\.03 s/);

test('an implementation that lacks methods is refused, with their names', async (t) => {
  const broken = plain('broken', { provides: [Echo], setup: () => ({ echo: { ...echo(), say: undefined, group: {} } }) });
  await t.throwsAsync(boot([broken]), { code: 'E_PLUGIN', message: /echo\.say \(echo@1\), echo\.group\.deep/ });
});

test('the first failure ends the setups beside it', async (t) => {
  const seen: string[] = [];
  const slow = plain('slow', {
    setup: async (ctx) => {
      logging(seen, ctx);
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }));
      seen.push('told');
      await nextTurn();
      ctx.effect('late', () => void seen.push('late undone'));
    },
  });
  const broken = plain('broken', { setup: () => { throw new Error('no device'); } });
  await t.throwsAsync(boot([slow, broken]), { code: 'E_PLUGIN', message: /broken: .*no device/ });
  await nextTurn();
  await nextTurn();
  t.deepEqual(seen, ['up slow', 'told', 'down slow', 'late undone']);
});

test('what unwinding leaves is told with the failure', async (t) => {
  const stuck = plain('stuck', { provides: [Other], setup: (ctx) => (ctx.effect('mount', () => { throw new Error('busy'); }), { other: { ask: async () => '' } }) });
  const broken = plain('broken', { needs: [Other], setup: () => { throw new Error('no device'); } });
  const error = await t.throwsAsync<CoreError>(boot([stuck, broken]), { code: 'E_PLUGIN', message: /no device/ });
  t.deepEqual(error?.issues, [{ path: 'stuck: mount', message: 'busy' }]);
});

test('an optional plugin may fail: the kernel goes on, and says so', async (t) => {
  const lines: string[] = [];
  const events: string[] = [];
  const broken = plain('broken', { provides: [Other], setup: () => { throw new Error('no device'); } });
  const user = definePlugin({
    name: 'user', version: '1.0.0', api: 1,
    needs: { other: optional(Other) },
    setup: (ctx) => void events.push(`other is ${typeof ctx.other}`),
  });
  await using kernel = await boot([{ plugin: broken, optional: true }, user], { log: createLogger({ write: (line) => lines.push(line) }) });
  t.deepEqual(events, ['other is undefined']);
  t.deepEqual(kernel.plugins().map(({ state }) => state), ['failed', 'running']);
  t.regex(lines[0] ?? '', /an optional plugin failed.*no device|no device.*an optional plugin failed/);
  t.throws(() => kernel.port(Other), { code: 'E_PLUGIN', message: /broken.*no device/ });
});

test('who cannot do without a failed one fails too, naming it', async (t) => {
  const broken = plain('broken', { provides: [Other], setup: () => { throw new Error('no device'); } });
  const user = plain('user', { needs: [Other] });
  await t.throwsAsync(boot([{ plugin: broken, optional: true }, user]), { code: 'E_PLUGIN', message: /user needs other@1 of broken, which failed: .*no device/ });
});

test('an aborted boot leaves nothing', async (t) => {
  const abort = new AbortController();
  const seen: string[] = [];
  const waits = plain('waits', { setup: (ctx) => (logging(seen, ctx), abort.abort(), never) });
  await t.throwsAsync(boot([waits], { signal: abort.signal }), { code: 'E_ABORTED' });
  t.deepEqual(seen, ['up waits', 'down waits']);
  await t.throwsAsync(boot([waits], { signal: abort.signal }), { code: 'E_ABORTED' });
  t.is(seen.length, 2);
});

test('every fault in every config is told before anything starts', async (t) => {
  const seen: string[] = [];
  const configured = (name: string) =>
    definePlugin({
      name, version: '1.0.0', api: 1,
      config: z.object({ folder: z.string(), limits: z.array(z.number()).default([]) }),
      setup: (ctx) => void seen.push(ctx.config.folder),
    });
  const error = await t.throwsAsync<CoreError>(
    boot([
      { plugin: configured('a'), config: { limits: [1, 'two'] } },
      { plugin: configured('b'), config: { folder: '/b' } },
      { plugin: plain('c'), config: { any: 1 } },
    ]),
    { code: 'E_INVALID' },
  );
  t.deepEqual(error?.issues.map(({ path }) => path), ['a.config.folder', 'a.config.limits[1]', 'c.config']);
  t.deepEqual(seen, []);
  await (await boot([{ plugin: configured('b'), config: { folder: '/b' } }])).close();
  t.deepEqual(seen, ['/b']);
});

test('closing tells what it left, and closes the rest', async (t) => {
  const seen: string[] = [];
  const bad = plain('bad', { setup: (ctx) => void ctx.effect('mount', () => { throw new Error('busy'); }) });
  const good = plain('good', { setup: (ctx) => logging(seen, ctx) });
  const kernel = await boot([bad, good]);
  const error = await t.throwsAsync<CoreError>(kernel.close(), { code: 'E_PLUGIN' });
  t.deepEqual(error?.issues, [{ path: 'bad: mount', message: 'busy' }]);
  t.deepEqual(seen, ['up good', 'down good']);
});

test('closing ends the calls under way and refuses new ones', async (t) => {
  const kernel = await boot([echoPlugin()]);
  const port = kernel.port(Echo);
  const answer = port.wait({});
  await nextTurn();
  await kernel.close();
  await t.throwsAsync(answer, { code: 'E_CLOSED' });
  await t.throwsAsync(port.say({ text: '' }), { code: 'E_CLOSED' });
});

test('a tap that throws or never returns harms neither the kernel nor the other plugins', async (t) => {
  const tapping = (name: string, fn: () => never | Promise<never>) =>
    definePlugin({ name, version: '1.0.0', api: 1, permissions: ['hooks:container.*'], setup: (ctx) => void ctx.hooks.container.exited.tap({}, fn) });
  await using kernel = await boot([tapping('throws', () => { throw new Error('oops'); }), tapping('hangs', () => never), echoPlugin()]);
  const exit = { exitCode: 0, oomKilled: false, startedAt: 0, finishedAt: 0 };
  const abort = new AbortController();
  const run = () => Promise.resolve(kernel.hooks.container.exited.run({ id: 'a', name: 'a', exit }, { signal: abort.signal }));
  const hanging = run();
  abort.abort();
  await t.throwsAsync(hanging, { code: 'E_ABORTED', message: /\(hangs\)/ });
  t.is((await kernel.port(Echo).say({ text: 'alive' })).text, 'alive');
  t.deepEqual(kernel.plugins().map(({ state }) => state), ['running', 'running', 'running']);
});

test('the hook map has every hook, and the taps in their order', async (t) => {
  const tapping = (name: string, after: readonly string[]) =>
    definePlugin({ name, version: '1.0.0', api: 1, permissions: ['hooks:container.spec'], setup: (ctx) => void ctx.hooks.container.spec.tap({ after }, (spec) => spec) });
  await using kernel = await boot([tapping('a', ['b']), tapping('b', [])]);
  t.deepEqual(kernel.hookMap().find(({ name }) => name === 'container.spec')?.taps, ['b', 'a']);
  t.is(kernel.hookMap()[0]?.name, 'image.resolve');
});

test('what a plugin listens to ends with it', async (t) => {
  const heard: string[] = [];
  let items: AsyncIterator<unknown> | undefined;
  const listens = plain('listens', {
    setup: (ctx) => {
      ctx.events.on(({ type }) => void heard.push(type));
      items = ctx.events.subscribe();
    },
  });
  const kernel = await boot([listens]);
  t.deepEqual(kernel.effects().map(({ label }) => label), ['event listener', 'event subscription']);
  kernel.events.emit({ type: 'container.started', object: { kind: 'container', id: 'a' } });
  t.deepEqual(heard, ['container.started']);
  t.is(kernel.events.listeners, 2);
  await kernel.close();
  await items?.next();
  t.true((await items?.next())?.done);
  t.is(kernel.events.listeners, 0);
});

test('a plugin publishes under its own name alone', async (t) => {
  const object = { kind: 'container', id: 'a' };
  const heard: string[] = [];
  const mesh = plain('mesh', {
    setup: (ctx) => {
      ctx.events.on(({ type }) => void heard.push(type));
      ctx.events.emit({ type: 'mesh.joined', object });
      for (const type of ['container.exited', 'meshes.joined', 'mesh']) t.throws(() => ctx.events.emit({ type, object }), { code: 'E_PERMISSION' });
    },
  });
  await (await boot([mesh])).close();
  t.deepEqual(heard, ['mesh.joined']);
});
