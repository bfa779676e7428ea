/** Plans: order from needs alone, every fault told with all parties to it. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { makePlan, providerOf, type Bindings, type Plugin } from '#core/kernel/index.js';
import { contract, plain } from '../../helpers/plugins.js';

const [runtime, image, store] = [contract('runtime'), contract('image'), contract('store')];
const linux = plain('linux', { provides: [runtime], needs: [store] });
const fake = plain('fake', { provides: [runtime] });
const images = plain('images', { provides: [image], needs: [store] });
const lmdb = plain('lmdb', { provides: [store] });
const engine = plain('engine', { needs: [runtime, image], wants: [contract('scheduler')] });

test('levels follow the needs, wherever a plugin stands in the list', (t) => {
  const expected = [['lmdb'], ['images', 'linux'], ['engine']];
  for (const list of [[engine, linux, images, lmdb], [lmdb, images, linux, engine], [images, engine, lmdb, linux]]) {
    const plan = makePlan(list);
    t.deepEqual(plan.levels, expected);
    t.deepEqual(plan.order, expected.flat());
  }
});

test('each edge says why', (t) => {
  const { edges } = makePlan([engine, linux, fake, images, lmdb], { 'runtime@1': 'fake' });
  t.deepEqual(edges.filter(({ consumer }) => consumer === 'engine'), [
    { consumer: 'engine', need: 'runtime', contract: 'runtime@1', provider: 'fake', reason: 'bindings choose fake for runtime@1' },
    { consumer: 'engine', need: 'image', contract: 'image@1', provider: 'images', reason: 'images alone provides image@1' },
    { consumer: 'engine', need: 'scheduler', contract: 'scheduler@1', provider: undefined, reason: 'nobody provides scheduler@1, and engine can do without' },
  ]);
});

test('a binding for one consumer wins over the general one', (t) => {
  const other = plain('other', { needs: [runtime] });
  const { edges } = makePlan([engine, other, linux, fake, images, lmdb], { 'runtime@1': 'linux', 'other:runtime@1': 'fake' });
  t.is(edges.find(({ consumer }) => consumer === 'other')?.provider, 'fake');
  t.is(edges.find(({ consumer, need }) => consumer === 'engine' && need === 'runtime')?.provider, 'linux');
});

test('a plugin that wraps what it needs does not serve itself', (t) => {
  const wrapper = plain('wrapper', { needs: [runtime], provides: [runtime] });
  const plan = makePlan([engine, wrapper, fake, images, lmdb], { 'runtime@1': 'wrapper' });
  t.is(plan.edges.find(({ consumer }) => consumer === 'wrapper')?.provider, 'fake');
  t.is(plan.edges.find(({ consumer, need }) => consumer === 'engine' && need === 'runtime')?.provider, 'wrapper');
  t.is(providerOf(plan, runtime), 'wrapper');
});

const refuses = test.macro((t, { plugins, bindings, code, says }: { plugins: readonly Plugin[]; bindings?: Bindings; code: string; says: readonly string[] }) => {
  const error = t.throws<CoreError>(() => makePlan(plugins, bindings), { instanceOf: CoreError, code: code as never });
  for (const words of says) t.true(error?.message.includes(words), `"${error?.message}" says ${words}`);
});

test('unprovided', refuses, { plugins: [engine, images, lmdb], code: 'E_UNPROVIDED', says: ['engine needs runtime@1'] });
test('ambiguous names all and the way out', refuses, {
  plugins: [engine, fake, linux, images, lmdb], code: 'E_AMBIGUOUS', says: ['engine needs one runtime@1; candidates: fake, linux', '"runtime@1": "fake"'],
});
test('ambiguous though optional', refuses, { plugins: [plain('x', { wants: [runtime] }), fake, linux, lmdb], code: 'E_AMBIGUOUS', says: ['x needs one runtime@1'] });
test('cycle names its members only', refuses, {
  plugins: [plain('a', { needs: [image], provides: [runtime] }), plain('b', { needs: [runtime], provides: [image] }), plain('c', { needs: [image] })],
  code: 'E_CYCLE', says: ['a needs image@1 of b, b needs runtime@1 of a'],
});
test('duplicate name', refuses, { plugins: [fake, fake], code: 'E_INVALID', says: ['fake is listed more than once'] });
test('binding to nobody', refuses, { plugins: [fake], bindings: { 'runtime@1': 'podman' }, code: 'E_INVALID', says: ['podman is not among the plugins'] });
test('binding to one who does not provide', refuses, { plugins: [fake, lmdb], bindings: { 'runtime@1': 'lmdb' }, code: 'E_INVALID', says: ['lmdb does not provide runtime@1'] });

test('every fault is told at once', (t) => {
  const error = t.throws<CoreError>(() => makePlan([engine, images, fake, linux]), { instanceOf: CoreError });
  t.deepEqual(error?.issues.map(({ path }) => path), ['engine.needs.runtime', 'images.needs.store', 'linux.needs.store']);
});

test('outsiders get the only, or the bound, provider', (t) => {
  t.is(providerOf(makePlan([fake]), runtime), 'fake');
  t.is(providerOf(makePlan([fake, linux, lmdb], { 'runtime@1': 'linux' }), runtime), 'linux');
  t.throws(() => providerOf(makePlan([fake]), image), { code: 'E_UNPROVIDED' });
  t.throws(() => providerOf(makePlan([fake, linux, lmdb]), runtime), { code: 'E_AMBIGUOUS', message: /fake, linux/ });
});
