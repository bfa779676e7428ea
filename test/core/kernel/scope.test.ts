/** Scopes: last in, first out, all of them, whatever fails. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { Scope } from '#core/kernel/scope.js';

const never = new Promise<never>(() => {});

test('undoes last first, each after the one before has ended', async (t) => {
  const scope = new Scope('plugin');
  const seen: string[] = [];
  for (const label of ['first', 'second', 'third']) {
    scope.effect(label, async () => {
      seen.push(`${label} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${label} ends`);
    });
  }
  t.deepEqual(scope.effects(), ['first', 'second', 'third']);
  await Promise.all([scope.close(), scope.close()]);
  t.deepEqual(seen, ['third begins', 'third ends', 'second begins', 'second ends', 'first begins', 'first ends']);
  t.deepEqual(scope.effects(), []);
});

test('failures and what never ends are collected; the rest is undone all the same', async (t) => {
  const scope = new Scope('plugin');
  const seen: string[] = [];
  scope.effect('socket', () => void seen.push('socket'));
  scope.effect('process', () => never, { deadline: 10 });
  scope.effect('folder', () => { throw new Error('busy'); });
  const error = await t.throwsAsync<CoreError>(scope.close(), { instanceOf: CoreError, code: 'E_PLUGIN' });
  t.deepEqual(error?.issues.map(({ path }) => path), ['folder', 'process']);
  t.deepEqual(seen, ['socket']);
  t.deepEqual(scope.effects(), []);
});

test('an early release undoes now, once', async (t) => {
  const scope = new Scope('plugin');
  let undone = 0;
  const release = scope.effect('lease', () => undone++);
  await Promise.all([release(), release()]);
  await scope.close();
  t.is(undone, 1);
});

test('what is acquired after closing is undone at once', async (t) => {
  const scope = new Scope('plugin');
  await scope.close();
  let undone = false;
  t.throws(() => scope.effect('late', () => (undone = true)), { code: 'E_CLOSED' });
  await new Promise((resolve) => setImmediate(resolve));
  t.true(undone);
});
