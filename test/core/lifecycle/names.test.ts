/** Hook names are public: plugins tap them and manifests name them in permissions. Changing this list is a breaking change. */
import test from 'ava';
import { lifecycles, liveLifecycles } from '#core/lifecycle/index.js';

test('names, kinds and order of all hooks', (t) => {
  const map = Object.entries(lifecycles).flatMap(([life, hooks]) => Object.entries(hooks).map(([name, { kind }]) => `${life}.${name} ${kind}`));
  t.deepEqual(map, [
    'image.resolve claim',
    'image.admit claim',
    'image.fetch series',
    'image.verify series',
    'image.unpack pair',
    'image.stored series',
    'image.removed series',
    'container.admit claim',
    'container.spec reduce',
    'container.assemble pair',
    'container.started parallel',
    'container.exited series',
    'container.removed series',
  ]);
});

test('each says in one sentence what it is for', (t) => {
  for (const [life, hooks] of Object.entries(lifecycles)) {
    for (const [name, { about, deadline }] of Object.entries(hooks)) {
      t.regex(about, /^[A-Z].{20,}\.$/, `${life}.${name}`);
      t.true(deadline > 0, `${life}.${name} has a deadline`);
    }
  }
});

test('each kernel has live hooks of its own', async (t) => {
  const [one, two] = [liveLifecycles(lifecycles, () => 0), liveLifecycles(lifecycles, () => 0)];
  one.container.removed.tap({ plugin: 'a' }, () => {});
  t.deepEqual(one.container.removed.describe().taps, ['a']);
  t.deepEqual(two.container.removed.describe().taps, []);
  t.is(one.container.removed.name, 'container.removed');
});
