/** Swaps: consumers never notice, no call is lost, and any failure puts the former version back. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { definePlugin, type Kernel, type Plugin, type PluginContext } from '#core/kernel/index.js';
import { boot, Echo, echo, echoPlugin, nextTurn, Other, plain, untilAborted, type EchoPluginOptions } from '../../helpers/plugins.js';

const never = new Promise<never>(() => {});
const next = (options: EchoPluginOptions = {}) => ({ plugin: echoPlugin({ version: '2.0.0', ...options }) });
const versionOf = async (kernel: Kernel): Promise<string> => (await kernel.port(Echo).say({ text: '' })).version;

test('the same port reaches the next version; the former is closed', async (t) => {
  const seen: string[] = [];
  const types: string[] = [];
  await using kernel = await boot([echoPlugin({ setup: (ctx) => void ctx.effect('old thing', () => void seen.push('old closed')) })]);
  kernel.events.on(({ type }) => void types.push(type));
  const port = kernel.port(Echo);
  t.is((await port.say({ text: '' })).version, '1.0.0');
  await kernel.swap('echo', next({ setup: (ctx) => void ctx.effect('new thing', () => {}) }));
  t.is((await port.say({ text: '' })).version, '2.0.0');
  t.deepEqual(seen, ['old closed']);
  t.deepEqual(kernel.effects(), [{ plugin: 'echo', label: 'new thing' }]);
  t.is(kernel.plugins()[0]?.version, '2.0.0');
  t.deepEqual(types, ['plugin.swapped']);
});

const underLoad = test.macro(async (t, fails: (version: number) => boolean) => {
  const counting = (version: number): Plugin =>
    echoPlugin({
      version: `${version}.0.0`,
      async setup(ctx) {
        let served = (ctx.previous as number | undefined) ?? 0;
        await nextTurn();
        if (fails(version)) throw new Error('half-way');
        ctx.handover(() => served);
        return {
          async say({ text }) {
            await nextTurn();
            served++;
            return { text, version: String(served) };
          },
        };
      },
    });
  await using kernel = await boot([counting(1)]);
  const port = kernel.port(Echo);
  const done = { swaps: 0 };
  const caller = async (index: number): Promise<string[]> => {
    const answers: string[] = [];
    do {
      answers.push((await port.say({ text: String(index) })).version);
    } while (done.swaps < 20);
    return answers;
  };
  const callers = Array.from({ length: 1_000 }, (_none, index) => caller(index));
  const swapping = (async () => {
    for (let version = 2; version <= 21; version++) {
      const swapping = kernel.swap('echo', { plugin: counting(version) });
      if (fails(version)) await t.throwsAsync(swapping, { code: 'E_SWAP' });
      else await swapping;
      done.swaps++;
      await nextTurn();
    }
  })();
  const answers = (await Promise.all(callers)).flat();
  await swapping;
  t.true(answers.length > 1_000);
  t.is(new Set(answers).size, answers.length, 'each call was served once');
  t.is(Math.max(...answers.map(Number)), answers.length, 'and counted once, over all versions');
  const last = Array.from({ length: 21 }, (_none, index) => 21 - index).find((version) => !fails(version));
  t.is(kernel.plugins()[0]?.version, `${last}.0.0`);
});

test('1,000 concurrent calls over 20 swaps: none lost, none failed, state carried over', underLoad, () => false);
test('1,000 concurrent calls over 20 swaps of which 14 fail', underLoad, (version) => version % 3 !== 1);

test('a call that may be made again is, of the next version', async (t) => {
  let toldOld = false;
  await using kernel = await boot([
    echoPlugin({ setup: () => ({ wait: (_request, options) => untilAborted(options).catch((error: unknown) => { toldOld = true; throw error; }) }) }),
  ]);
  const answer = kernel.port(Echo).wait({});
  await nextTurn();
  await kernel.swap('echo', next({ setup: () => ({ wait: async () => 'from the next' }) }));
  t.is(await answer, 'from the next');
  t.true(toldOld);
});

test('a stream that may be asked again goes on with the next version, whether its reader waits or not', async (t) => {
  let left = false;
  const waits = { async *tail() { try { yield 'old'; await never; } finally { left = true; } } };
  await using kernel = await boot([echoPlugin({ setup: () => waits })]);
  const [waiting, idle] = [0, 1].map(() => kernel.port(Echo).tail({})[Symbol.asyncIterator]());
  t.is((await waiting?.next())?.value, 'old');
  t.is((await idle?.next())?.value, 'old');
  const item = waiting?.next();
  await kernel.swap('echo', next());
  t.is((await item)?.value, '2.0.0 1');
  t.is((await idle?.next())?.value, '2.0.0 1');
  t.is((await idle?.next())?.value, '2.0.0 2');
  t.true(left, 'the former learnt that its reader had left');
  await Promise.all([waiting?.return?.(), idle?.return?.()]);
});

test('a stream holds the swap until it ends', async (t) => {
  await using kernel = await boot([echoPlugin()]);
  const items = kernel.port(Echo).count({ to: 2 })[Symbol.asyncIterator]();
  await items.next();
  let swapped = false;
  const swapping = kernel.swap('echo', next()).then(() => (swapped = true));
  await nextTurn();
  t.false(swapped);
  await items.next();
  t.true((await items.next()).done);
  await swapping;
  t.is(await versionOf(kernel), '2.0.0');
});

test('what does not end in time gives the swap up, by name; the call goes on', async (t) => {
  let finish = (_text: string): void => {};
  await using kernel = await boot([
    echoPlugin({ setup: () => ({ say: () => new Promise((resolve) => (finish = (text) => resolve({ text, version: '1.0.0' }))) }) }),
  ]);
  const answer = kernel.port(Echo).say({ text: '' });
  await t.throwsAsync(kernel.swap('echo', next(), { drainTimeout: 10 }), { code: 'E_SWAP', message: /echo@1 say.*the former version is back/ });
  finish('answered');
  t.is((await answer).text, 'answered');
  t.is(kernel.plugins()[0]?.state, 'running');
});

interface Failure {
  readonly next: EchoPluginOptions;
  readonly old?: EchoPluginOptions;
  readonly message: RegExp;
}

const failsHalfWay = test.macro(async (t, { next: options, old = {}, message }: Failure) => {
  const seen: string[] = [];
  const other = plain('other', { provides: [Other], setup: (ctx) => (ctx.effect('kept', () => void seen.push('other closed')), { other: { ask: async () => 'unharmed' } }) });
  const kernel = await boot([echoPlugin(old), other], { setupDeadline: 30 });
  const before = { effects: kernel.effects(), hooks: kernel.hookMap(), plugins: kernel.plugins() };
  const held = (async () => {
    await nextTurn();
    return versionOf(kernel);
  })();
  const error = await t.throwsAsync<CoreError>(kernel.swap('echo', next(options)), { code: 'E_SWAP', message });
  t.deepEqual(error?.object, { kind: 'plugin', id: 'echo' });
  t.is(await held, '1.0.0', 'a call made meanwhile is answered by the former version');
  t.is(await versionOf(kernel), '1.0.0');
  t.is(await kernel.port(Other).ask({}), 'unharmed');
  t.deepEqual({ effects: kernel.effects(), hooks: kernel.hookMap(), plugins: kernel.plugins() }, before);
  t.deepEqual(seen, []);
  await kernel.close();
});

test('the next setup throws', failsHalfWay, { next: { setup: () => { throw new Error('no device'); } }, message: /no device/ });
test('the next setup never returns', failsHalfWay, { next: { setup: () => never }, message: /setup took longer/ });
test('the next setup acquires, then throws', failsHalfWay, {
  next: { setup: (ctx) => { ctx.effect('half', () => {}); throw new Error('half-way'); } }, message: /half-way/,
});
test('the next one lacks a method', failsHalfWay, { next: { setup: () => ({ say: undefined as never }) }, message: /echo\.say/ });
test('the former refuses to hand over', failsHalfWay, {
  old: { setup: (ctx) => ctx.handover(() => { throw new Error('not now'); }) }, next: {}, message: /not now/,
});

test('the former takes back what it handed over', async (t) => {
  const seen: unknown[] = [];
  await using kernel = await boot([
    echoPlugin({ setup: (ctx) => ctx.handover(() => ({ socket: 3 }), (state) => void seen.push('taken back', state)) }),
  ]);
  await t.throwsAsync(kernel.swap('echo', next({ setup: (ctx) => { seen.push(ctx.previous); throw new Error('no'); } })), { code: 'E_SWAP' });
  t.deepEqual(seen, [{ socket: 3 }, 'taken back', { socket: 3 }]);
});

test('a former that cannot take back is failed, said so, and can still be swapped', async (t) => {
  await using kernel = await boot([echoPlugin({ setup: (ctx) => ctx.handover(() => 1, () => { throw new Error('gone for good'); }) })]);
  await t.throwsAsync(kernel.swap('echo', next({ setup: () => { throw new Error('no'); } })), { code: 'E_SWAP', message: /could not take over again: gone for good/ });
  t.is(kernel.plugins()[0]?.state, 'failed');
  await t.throwsAsync(async () => versionOf(kernel), { code: 'E_PLUGIN', message: /gone for good/ });
  await kernel.swap('echo', next());
  t.is(await versionOf(kernel), '2.0.0');
});

function tapping(version: string, also?: (ctx: PluginContext<undefined>) => void): Plugin {
  return definePlugin({
    name: 'tapping', version, api: 1,
    permissions: ['hooks:container.spec', 'hooks:container.removed'],
    setup(ctx) {
      ctx.hooks.container.spec.tap({}, (spec) => ({ ...spec, hostname: version }));
      if (version === '2.0.0') ctx.hooks.container.removed.tap({ name: 'new' }, () => {});
      also?.(ctx);
    },
  });
}

const specOf = async (kernel: Kernel) => (await kernel.hooks.container.spec.run({ ociVersion: '1.2.0' }, {} as never)).hostname;

test('taps change in one step with the ports', async (t) => {
  await using kernel = await boot([tapping('1.0.0')]);
  t.is(await specOf(kernel), '1.0.0');
  const seen: Array<Promise<string | undefined>> = [];
  await kernel.swap('tapping', { plugin: tapping('2.0.0', () => void seen.push(specOf(kernel), specOf(kernel))) });
  t.deepEqual(await Promise.all(seen), ['2.0.0', '2.0.0'], 'runs made half-way were held back');
  const taps = kernel.hookMap().filter(({ taps }) => taps.length > 0);
  t.deepEqual(taps.map(({ name, taps }) => [name, taps]), [['container.spec', ['tapping']], ['container.removed', ['tapping/new']]]);
});

test('a swap that fails leaves the former taps, and none of the next', async (t) => {
  await using kernel = await boot([tapping('1.0.0')]);
  await t.throwsAsync(kernel.swap('tapping', { plugin: tapping('2.0.0', () => { throw new Error('no'); }) }), { code: 'E_SWAP' });
  t.is(await specOf(kernel), '1.0.0');
  t.deepEqual(kernel.hookMap().find(({ name }) => name === 'container.removed')?.taps, []);
});

test('a run of a hook under way is waited for', async (t) => {
  let finish = (): void => {};
  const slow = (version: string): Plugin =>
    definePlugin({
      name: 'slow', version, api: 1, permissions: ['hooks:container.spec'],
      setup: (ctx) => void ctx.hooks.container.spec.tap({}, (spec) => new Promise((resolve) => (finish = () => resolve({ ...spec, hostname: version })))),
    });
  await using kernel = await boot([slow('1.0.0')]);
  const run = specOf(kernel);
  await nextTurn();
  const swapping = kernel.swap('slow', { plugin: slow('2.0.0') });
  await nextTurn();
  finish();
  t.is(await run, '1.0.0');
  await swapping;
});

test('two swaps at once take turns', async (t) => {
  await using kernel = await boot([echoPlugin()]);
  await Promise.all([kernel.swap('echo', next({ version: '2.0.0' })), kernel.swap('echo', next({ version: '3.0.0' }))]);
  t.is(await versionOf(kernel), '3.0.0');
});

test('closing waits for the swap under way, and refuses later ones', async (t) => {
  const seen: string[] = [];
  const kernel = await boot([echoPlugin()]);
  const swapping = kernel.swap('echo', next({ setup: (ctx) => void ctx.effect('new', () => void seen.push('new closed')) }));
  await kernel.close();
  await swapping;
  t.deepEqual(seen, ['new closed']);
  await t.throwsAsync(kernel.swap('echo', next()), { code: 'E_CLOSED' });
});

const refused = test.macro(async (t, plugin: Plugin, code: string, message: RegExp) => {
  await using kernel = await boot([echoPlugin(), plain('user', { needs: [Echo], wants: [Other] })]);
  await t.throwsAsync(kernel.swap('echo', { plugin }), { code, message });
  t.is(await versionOf(kernel), '1.0.0');
  t.deepEqual(kernel.plugins().map(({ state }) => state), ['running', 'running']);
});

test('another plugin in its place', refused, echoPlugin({ name: 'impostor' }), 'E_INVALID', /not for impostor/);
test('a version that provides less', refused, plain('echo'), 'E_UNPROVIDED', /user needs echo@1/);
test('a version that provides what others would like', refused, plain('echo', { provides: [Echo, Other], setup: () => ({ echo: echo() }) }), 'E_INVALID', /consumers would have to be set up anew/);
test('a version that needs its own consumer', refused, plain('echo', { provides: [Echo], needs: [Other] }), 'E_UNPROVIDED', /echo needs other@1/);

test('an unknown plugin cannot be swapped', async (t) => {
  await using kernel = await boot([echoPlugin()]);
  await t.throwsAsync(kernel.swap('nobody', next()), { code: 'E_NOT_FOUND' });
});
