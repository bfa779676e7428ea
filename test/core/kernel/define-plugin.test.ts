/** Manifests: every fault at once for those who have no types, and permissions checked at run time for them too. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { definePlugin, isPlugin, type Plugin, type PluginContext } from '#core/kernel/index.js';
import { boot, Echo, Other, plain } from '../../helpers/plugins.js';

/** As a plugin in JavaScript would: without types. */
const untyped = definePlugin as unknown as (manifest: Record<string, unknown>) => Plugin;

const good = { name: 'good', version: '1.0.0', api: 1, setup() {} };

const faulty = test.macro((t, changes: Record<string, unknown>, path: string) => {
  const error = t.throws<CoreError>(() => untyped({ ...good, ...changes }), { instanceOf: CoreError, code: 'E_INVALID' });
  t.deepEqual(error?.issues.map((issue) => issue.path), [path]);
  t.false(isPlugin({ ...good, needs: {}, provides: {}, permissions: [], ...changes }));
});

test('name with capitals', faulty, { name: 'Good' }, 'name');
test('name that climbs', faulty, { name: '../good' }, 'name');
test('no name', faulty, { name: undefined }, 'name');
test('version', faulty, { version: '1' }, 'version');
test('api of another kernel', faulty, { api: 2 }, 'api');
test('no setup', faulty, { setup: undefined }, 'setup');
test('a need that ctx has already', faulty, { needs: { log: Echo } }, 'needs.log');
test('a need that is a string', faulty, { needs: { echo: 'echo@1' } }, 'needs.echo');
test('a need that is nothing', faulty, { needs: { echo: undefined } }, 'needs.echo');
test('provides a string', faulty, { provides: { echo: 'echo@1' } }, 'provides.echo');
test('permission for no hook', faulty, { permissions: ['hooks:container.nope'] }, 'permissions');
test('permission for nothing', faulty, { permissions: ['everything'] }, 'permissions');
test('permission for a path that climbs', faulty, { permissions: ['fs:/var/lib/../../etc'] }, 'permissions');
test('permission for a relative path', faulty, { permissions: ['fs:var'] }, 'permissions');

test('all faults are told at once', (t) => {
  const error = t.throws<CoreError>(() => untyped({ ...good, name: 'X', api: 3, permissions: ['a', 'b'] }), { instanceOf: CoreError });
  t.deepEqual(error?.issues.map(({ path }) => path), ['name', 'api', 'permissions', 'permissions']);
});

test('what is no plugin at all', (t) => {
  for (const value of [undefined, null, 1, 'x', {}, { setup() {} }, { ...good, needs: 1 }]) t.false(isPlugin(value));
  t.true(isPlugin(untyped(good)));
});

test('the manifest is frozen and independent of what it was made from', (t) => {
  const needs = { echo: Echo };
  const plugin = untyped({ ...good, needs });
  Object.assign(needs, { other: Other });
  t.true([plugin, plugin.needs, plugin.provides, plugin.permissions].every((part) => Object.isFrozen(part)));
  t.deepEqual(Object.keys(plugin.needs), ['echo']);
});

test('ctx has what was asked for and nothing else', async (t) => {
  let names: string[] = [];
  const kernel = await boot([plain('bare', { setup: (ctx) => void (names = Object.keys(ctx)) })]);
  await kernel.close();
  for (const absent of ['hooks', 'fs', 'state']) t.false(names.includes(absent), absent);
  let asked: string[] = [];
  const asking = untyped({ ...good, permissions: ['hooks:image.*', 'fs:/tmp', 'state'], setup: (ctx: PluginContext<undefined>) => void (asked = Object.keys(ctx)) });
  await (await boot([asking])).close();
  for (const present of ['hooks', 'fs', 'state']) t.true(asked.includes(present), present);
});

interface Hooks {
  readonly hooks: Record<string, Record<string, { tap(options: object, fn: () => void): () => void }>>;
}

test('tapping without the permission is refused at run time, by name', async (t) => {
  const plugin = untyped({ ...good, permissions: ['hooks:image.*'], setup: (ctx: Hooks) => void ctx.hooks['container']?.['spec']?.tap({}, () => {}) });
  const error = await t.throwsAsync<CoreError>(boot([plugin]), { code: 'E_PLUGIN' });
  t.is((error?.cause as CoreError | undefined)?.code, 'E_PERMISSION');
  t.regex(error?.message ?? '', /good lacks the permission hooks:container\.spec/);
  t.regex(error?.hint ?? '', /Add "hooks:container\.spec" to the permissions of good/);
});

const grants = test.macro(async (t, permission: string, expected: readonly string[]) => {
  const tapped: string[] = [];
  const plugin = untyped({
    ...good,
    permissions: [permission],
    setup(ctx: Hooks) {
      for (const [life, hooks] of Object.entries(ctx.hooks)) {
        for (const [name, point] of Object.entries(hooks)) {
          try {
            point.tap({}, () => {});
            tapped.push(`${life}.${name}`);
          } catch (error) {
            t.is((error as CoreError).code, 'E_PERMISSION');
          }
        }
      }
    },
  });
  await using kernel = await boot([plugin]);
  t.deepEqual(tapped, expected.length > 0 ? expected : kernel.hookMap().map(({ name }) => name));
  t.deepEqual(kernel.hookMap().filter(({ taps }) => taps.length > 0).map(({ name }) => name), tapped);
});

test('one hook', grants, 'hooks:container.spec', ['container.spec']);
test('a lifecycle', grants, 'hooks:image.*', ['image.resolve', 'image.admit', 'image.fetch', 'image.verify', 'image.unpack', 'image.stored', 'image.removed']);
test('all hooks', grants, 'hooks:*', []);

test('a tap taken back early is no effect any more', async (t) => {
  let untap = (): void => {};
  const plugin = untyped({ ...good, permissions: ['hooks:*'], setup: (ctx: Hooks) => void (untap = ctx.hooks['container']?.['removed']?.tap({}, () => {}) ?? untap) });
  await using kernel = await boot([plugin]);
  t.deepEqual(kernel.effects(), [{ plugin: 'good', label: 'tap container.removed' }]);
  untap();
  t.deepEqual(kernel.effects(), []);
  t.deepEqual(kernel.hookMap().find(({ name }) => name === 'container.removed')?.taps, []);
});

test('state goes to the plugin\'s own corner, or says that there is none', async (t) => {
  const corners: string[] = [];
  const plugin = untyped({ ...good, permissions: ['state'], setup: (ctx: { state: { get(key: string): Promise<unknown> } }) => ctx.state.get('key') });
  await t.throwsAsync(boot([plugin]), { code: 'E_PLUGIN', message: /keeps no state/ });
  const state = (name: string) => {
    corners.push(name);
    return { get: async () => 1, put: async () => {}, remove: async () => {}, list: async () => [] };
  };
  await (await boot([plugin], { state })).close();
  t.deepEqual(corners, ['good']);
});
