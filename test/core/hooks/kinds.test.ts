/** What each kind of hook makes of its taps. */
import test from 'ava';
import { claim, createHook, pair, parallel, reduce, series } from '#core/hooks/index.js';

const plugins = ['a', 'b', 'c'];
const settings = { name: 'life.hook', position: (name: string) => (plugins.includes(name) ? plugins.indexOf(name) : undefined) };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('without a tap there is no promise: every kind answers at once', (t) => {
  t.is(createHook(series<object>(''), settings).run({}), undefined);
  t.is(createHook(parallel<object>(''), settings).run({}), undefined);
  t.is(createHook(claim<object, string>(''), settings).run({}), undefined);
  const value = { cwd: '/' };
  t.is(createHook(reduce<object, null>(''), settings).run(value, null), value);
  t.is(typeof createHook(pair<object>(''), settings).run({}), 'function');
});

test('series: one after the other, each waited for, with the payload', async (t) => {
  const hook = createHook(series<{ id: string }>(''), settings);
  const seen: string[] = [];
  hook.tap({ plugin: 'b' }, ({ id }) => void seen.push(`b ${id}`));
  hook.tap({ plugin: 'a' }, async ({ id }) => {
    await turn();
    seen.push(`a ${id}`);
  });
  t.is(await hook.run({ id: 'web' }), undefined);
  t.deepEqual(seen, ['a web', 'b web']);
});

test('parallel: all begin before any ends', async (t) => {
  const hook = createHook(parallel<object>(''), settings);
  const seen: string[] = [];
  for (const plugin of plugins) {
    hook.tap({ plugin }, async () => {
      seen.push(`${plugin} begins`);
      await turn();
      seen.push(`${plugin} ends`);
    });
  }
  await hook.run({});
  t.deepEqual(seen.slice(0, 3), ['a begins', 'b begins', 'c begins']);
  t.is(seen.length, 6);
});

test('claim: the first answer wins, falsy ones too, and the rest is not asked', async (t) => {
  const hook = createHook(claim<object, number>(''), settings);
  t.plan(1);
  hook.tap({ plugin: 'a' }, async () => undefined);
  hook.tap({ plugin: 'b' }, () => 0);
  hook.tap({ plugin: 'c' }, () => t.fail() as never);
  t.is(await hook.run({}), 0);
});

test('claim: nobody answers', async (t) => {
  const hook = createHook(claim<object, string>(''), settings);
  hook.tap({ plugin: 'a' }, () => undefined);
  t.is(await hook.run({}), undefined);
});

test('reduce: the value goes from tap to tap, undefined hands on the last one', async (t) => {
  const hook = createHook(reduce<readonly string[], { id: string }>(''), settings);
  hook.tap({ plugin: 'c' }, (value) => [...value, 'c']);
  hook.tap({ plugin: 'a' }, async (value, { id }) => [...value, `a of ${id}`]);
  hook.tap({ plugin: 'b' }, () => undefined);
  t.deepEqual(await hook.run(['first'], { id: 'web' }), ['first', 'a of web', 'c']);
});

test('pair: undo runs in reverse, once, and skips those with nothing to undo', async (t) => {
  const hook = createHook(pair<object>(''), settings);
  const seen: string[] = [];
  hook.tap({ plugin: 'a' }, () => () => void seen.push('undo a'));
  hook.tap({ plugin: 'b' }, () => {});
  hook.tap({ plugin: 'c' }, async () => async () => void seen.push('undo c'));
  const undo = await hook.run({});
  t.deepEqual(seen, []);
  await Promise.all([undo(), undo()]);
  t.deepEqual(seen, ['undo c', 'undo a']);
});

test('a tap can be removed, twice, and added again', async (t) => {
  const hook = createHook(series<object>(''), settings);
  const seen: string[] = [];
  const remove = hook.tap({ plugin: 'a' }, () => void seen.push('first'));
  await hook.run({});
  remove();
  remove();
  t.is(hook.run({}), undefined);
  hook.tap({ plugin: 'a' }, () => void seen.push('second'));
  await hook.run({});
  t.deepEqual(seen, ['first', 'second']);
});

test('a run under way goes on with the taps it began with', async (t) => {
  const hook = createHook(series<object>(''), settings);
  const seen: string[] = [];
  hook.tap({ plugin: 'a' }, () => removeB());
  const removeB = hook.tap({ plugin: 'b' }, () => void seen.push('b'));
  await hook.run({});
  await hook.run({});
  t.deepEqual(seen, ['b']);
});

test('a staged tap is checked at once and called from its activation on', async (t) => {
  const hook = createHook(series<object>(''), settings);
  const seen: string[] = [];
  const staged = hook.stage({ plugin: 'a' }, () => void seen.push('a'));
  t.is(hook.run({}), undefined);
  t.throws(() => hook.stage({ plugin: 'a' }, () => {}), { code: 'E_INVALID' });
  staged.activate();
  await hook.run({});
  t.deepEqual(seen, ['a']);
});

test('a shut gate holds runs back, taps or none, and lets them go in order', async (t) => {
  const hook = createHook(series<number>(''), settings);
  const seen: number[] = [];
  hook.gate.shut();
  const runs = [1, 2, 3].map((payload) => hook.run(payload));
  hook.tap({ plugin: 'a' }, (payload) => void seen.push(payload));
  await turn();
  t.deepEqual(seen, []);
  hook.gate.open();
  await Promise.all(runs);
  t.deepEqual(seen, [1, 2, 3]);
});

test('a held run is ended by its signal', async (t) => {
  const hook = createHook(series<object>(''), settings);
  const abort = new AbortController();
  hook.gate.shut();
  const run = hook.run({}, { signal: abort.signal });
  abort.abort();
  await t.throwsAsync(Promise.resolve(run), { code: 'E_ABORTED' });
  t.is(hook.gate.inflight, 0);
});
