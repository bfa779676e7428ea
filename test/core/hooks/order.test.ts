/** Order of taps: for every way of adding them the wishes hold and the result is the same. */
import test from 'ava';
import { createHook, series, type TapTarget } from '#core/hooks/index.js';
import { isCoreError } from '#core/errors/index.js';

const plugins = ['a', 'b', 'c', 'd', 'e'];
const position = (name: string): number | undefined => (plugins.includes(name) ? plugins.indexOf(name) : undefined);

const holds = test.macro({
  title: (title = '', wishes: readonly TapTarget[]) => `${title} (${wishes.map(({ plugin }) => plugin).join(' ')})`,
  exec: (t, wishes: readonly TapTarget[], expected: readonly string[]) => {
    for (const order of permutations(wishes)) {
      const hook = createHook(series<object>('about'), { name: 'container.spec', position });
      for (const wish of order) hook.tap(wish, () => {});
      t.deepEqual(hook.describe().taps, expected, `added as ${order.map(({ plugin }) => plugin).join(' ')}`);
    }
  },
});

test('without wishes the plan decides', holds, [{ plugin: 'c' }, { plugin: 'a' }, { plugin: 'b' }], ['a', 'b', 'c']);
test('before with three taps', holds, [{ plugin: 'c', before: ['a'] }, { plugin: 'a' }, { plugin: 'b' }], ['b', 'c', 'a']);
test('before two at once', holds, [{ plugin: 'e', before: ['a', 'b'] }, { plugin: 'a' }, { plugin: 'b' }, { plugin: 'c' }], ['c', 'e', 'a', 'b']);
test('after', holds, [{ plugin: 'a', after: ['c'] }, { plugin: 'b' }, { plugin: 'c' }], ['b', 'c', 'a']);
test('chain against the plan', holds, [{ plugin: 'a', after: ['b'] }, { plugin: 'b', after: ['c'] }, { plugin: 'c', after: ['d'] }, { plugin: 'd' }], ['d', 'c', 'b', 'a']);
test('between', holds, [{ plugin: 'e', after: ['a'], before: ['b'] }, { plugin: 'a' }, { plugin: 'b' }, { plugin: 'c' }], ['a', 'c', 'e', 'b']);
test('a plugin of the plan that does not tap', holds, [{ plugin: 'a', after: ['e'] }, { plugin: 'b' }], ['a', 'b']);
test('an absent one that may be absent', holds, [{ plugin: 'a', after: ['mesh?'] }, { plugin: 'b' }], ['a', 'b']);
test('a present one that may be absent', holds, [{ plugin: 'a', after: ['b?'] }, { plugin: 'b' }], ['b', 'a']);
test('one tap among several of a plugin', holds, [{ plugin: 'a', after: ['b/late'] }, { plugin: 'b', name: 'late' }, { plugin: 'b', name: 'x', after: ['a'] }], ['b/late', 'a', 'b/x']);
test('all taps of a plugin', holds, [{ plugin: 'a', after: ['b'] }, { plugin: 'b', name: 'one' }, { plugin: 'b', name: 'two', before: ['b/one'] }], ['b/two', 'b/one', 'a']);

test('every acyclic set of wishes of four taps is kept', (t) => {
  const names = ['a', 'b', 'c', 'd'];
  const pairs = names.flatMap((first) => names.filter((second) => second !== first).map((second) => [first, second] as const));
  let acyclic = 0;
  for (let bits = 0; bits < 2 ** pairs.length; bits += 7) {
    const wanted = pairs.filter((_pair, index) => bits & (1 << index));
    const hook = createHook(series<object>('about'), { name: 'h', position });
    try {
      for (const plugin of names) hook.tap({ plugin, before: wanted.filter(([first]) => first === plugin).map(([, second]) => second) }, () => {});
    } catch (error) {
      t.true(isCoreError(error, 'E_CYCLE'));
      t.true(hasCircle(wanted), 'an order existed');
      continue;
    }
    acyclic++;
    const { taps } = hook.describe();
    for (const [first, second] of wanted) t.true(taps.indexOf(first) < taps.indexOf(second), `${first} before ${second} in ${taps.join(' ')}`);
  }
  t.true(acyclic > 20);
});

test('a cycle names the hook and those in it, and leaves the list as it was', (t) => {
  const hook = createHook(series<object>('about'), { name: 'container.spec', position });
  hook.tap({ plugin: 'e' }, () => {});
  hook.tap({ plugin: 'a', after: ['b'] }, () => {});
  hook.tap({ plugin: 'b', after: ['c'] }, () => {});
  const error = t.throws(() => hook.tap({ plugin: 'c', after: ['a'] }, () => {}), { code: 'E_CYCLE' });
  t.regex(error?.message ?? '', /^hook container\.spec: /);
  for (const name of ['a', 'b', 'c']) t.regex(error?.message ?? '', new RegExp(`\\b${name}\\b`));
  t.notRegex(error?.message ?? '', /\be\b/);
  t.deepEqual(hook.describe().taps, ['b', 'a', 'e']);
});

const refuses = test.macro((t, target: TapTarget, message: RegExp) => {
  const hook = createHook(series<object>('about'), { name: 'container.spec', position });
  hook.tap({ plugin: 'a' }, () => {});
  t.throws(() => hook.tap(target, () => {}), { code: 'E_INVALID', message });
  t.deepEqual(hook.describe().taps, ['a']);
});

test('an unknown name', refuses, { plugin: 'b', after: ['mesh'] }, /container\.spec: b orders itself against mesh/);
test('an unknown plugin before a tap name', refuses, { plugin: 'b', before: ['mesh/x'] }, /mesh\/x/);
test('itself', refuses, { plugin: 'b', before: ['b'] }, /itself/);
test('two taps of one plugin without names', refuses, { plugin: 'a' }, /a tap a already/);

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]));
}

function hasCircle(edges: ReadonlyArray<readonly [string, string]>): boolean {
  const reaches = (from: string, to: string, seen: ReadonlySet<string>): boolean =>
    edges.some(([first, second]) => first === from && (second === to || (!seen.has(second) && reaches(second, to, new Set([...seen, second])))));
  return edges.some(([first]) => reaches(first, first, new Set([first])));
}
