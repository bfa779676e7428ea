import test from 'ava';
import { open } from 'lmdb';
import { join } from 'node:path';
import { CoreError } from '#core/errors/index.js';
import { isAlive, memoryStore, openJournal, pluginCorner, selfIdentity } from '#core/state/index.js';
import { openStore, SCHEMA_VERSION } from '#core/state/lmdb-store.js';
import { startChild } from '../../helpers/child.js';
import { temporaryFolder } from '../../helpers/folder.js';

const writer = new URL('fixtures/writer.js', import.meta.url);
const holder = new URL('fixtures/holder.js', import.meta.url);

test('what was written together is there together after the store was closed', async (t) => {
  const root = temporaryFolder(t);
  const store = openStore({ root });
  const [things, others] = [store.collection<object>('things'), store.collection<number>('others')];
  await store.write(() => {
    things.put('b', { list: [1, 'two', null], nested: { deep: true }, bytes: new Uint8Array([1, 2]) });
    things.put('a', {});
    others.put(3, 7);
  });
  await store.write(() => things.delete('a'));
  await store.close();
  await store.close();

  const again = openStore({ root });
  t.deepEqual(again.collection('things').entries(), [['b', { list: [1, 'two', null], nested: { deep: true }, bytes: Buffer.from([1, 2]) }]]);
  t.is(again.collection<number>('others').get(3), 7);
  await again.close();
});

test('a write that throws half-way commits nothing of it', async (t) => {
  const store = openStore({ root: temporaryFolder(t) });
  const things = store.collection<number>('things');
  await t.throwsAsync(
    store.write(() => {
      things.put('a', 1);
      throw new Error('half-way');
    }),
    { message: 'half-way' },
  );
  await store.write(() => things.put('b', 2));
  t.deepEqual(things.entries(), [['b', 2]]);
  await store.close();
});

test('records change inside a write only, and never after the end', async (t) => {
  const store = openStore({ root: temporaryFolder(t) });
  const things = store.collection<number>('things');
  t.is(t.throws<CoreError>(() => things.put('a', 1)).code, 'E_INTERNAL');
  await store.close();
  t.is((await t.throwsAsync<CoreError>(store.write(() => {}))).code, 'E_CLOSED');
});

test('a second owner is refused, by name of the first; a reader is not', async (t) => {
  const root = temporaryFolder(t);
  const child = startChild(holder, [root]);
  t.teardown(() => child.kill());
  await child.line((line) => line === 'ready');
  const error = t.throws<CoreError>(() => openStore({ root }));
  t.is(error.code, 'E_BUSY');
  t.regex(error.message, new RegExp(`pid ${child.pid}$`));
  const reader = openStore({ root, readOnly: true });
  t.is((await t.throwsAsync<CoreError>(reader.write(() => {}))).code, 'E_PERMISSION');
  await reader.close();

  await child.kill();
  const successor = openStore({ root });
  t.is(t.throws<CoreError>(() => openStore({ root })).code, 'E_BUSY');
  await successor.close();
  await openStore({ root }).close();
});

test('a reused pid does not keep a root', async (t) => {
  const root = temporaryFolder(t);
  await openStore({ root }).close();
  const raw = open({ path: join(root, 'state'), maxDbs: 64 });
  const self = selfIdentity();
  await raw.openDB({ name: 'meta', encoding: 'msgpack' }).put('owner', { ...self, startTime: self.startTime - 1 });
  await raw.close();
  await t.notThrowsAsync(async () => openStore({ root }).close());
});

test('the state of a newer core is refused and left as it is', async (t) => {
  const root = temporaryFolder(t);
  await openStore({ root }).close();
  const raw = open({ path: join(root, 'state'), maxDbs: 64 });
  const meta = raw.openDB({ name: 'meta', encoding: 'msgpack' });
  await meta.put('schema', SCHEMA_VERSION + 1);
  const error = t.throws<CoreError>(() => openStore({ root }));
  t.is(error.code, 'E_UNSUPPORTED');
  t.regex(error.message, new RegExp(`schema ${SCHEMA_VERSION + 1}`));
  t.is(meta.get('owner'), undefined);
  await raw.close();
});

for (const round of [1, 2, 3]) {
  test(`kill -9 loses no acknowledged record (${round})`, async (t) => {
    const root = temporaryFolder(t);
    for (let life = 0; life < 5; life++) {
      const child = startChild(writer, [root]);
      await child.line((line) => Number(line) % (37 * round + life) === 0);
      await child.kill();
      const acknowledged = Math.max(0, ...child.lines.map(Number).filter(Number.isFinite));
      const store = openStore({ root });
      const records = store.collection<{ number: number; text: string }>('records').entries();
      t.true(records.length >= acknowledged, `${acknowledged} acknowledged, ${records.length} found`);
      t.true(records.every(([key, { number, text }], index) => key === index + 1 && number === key && text.length === number % 3000));
      t.is(store.collection('pairs').get('last'), records.length, 'a batch was torn');
      await store.close();
    }
  });
}

test('the journal goes on where it stopped and forgets the oldest', async (t) => {
  const root = temporaryFolder(t);
  const event = (sequence: number) => ({ sequence, time: 1, type: 'thing.made', object: { kind: 'thing', id: String(sequence) } });
  const store = openStore({ root, durable: false });
  const journal = openJournal(store);
  t.is(journal.last, 0);
  for (let sequence = 1; sequence <= 10_005; sequence++) journal.append(event(sequence));
  await store.write(() => {});
  await store.close();

  const again = openStore({ root });
  const reopened = openJournal(again);
  t.is(reopened.last, 10_005);
  t.deepEqual(reopened.since(10_003), [event(10_004), event(10_005)]);
  t.is(reopened.since(0)[0]?.sequence, 6);
  await again.close();
});

test('only that very process counts as alive', (t) => {
  const self = selfIdentity();
  t.true(isAlive(self));
  t.false(isAlive({ ...self, startTime: self.startTime + 1 }));
  t.false(isAlive({ ...self, bootId: 'another' }));
  t.false(isAlive({ ...self, pid: 2 ** 22 + 1 }));
});

for (const [kind, open] of [['on disk', (root: string) => openStore({ root })], ['in memory', (root: string) => memoryStore(root)]] as const) {
  test(`a store ${kind} orders, selects and forgets as any other`, async (t) => {
    const store = open(temporaryFolder(t));
    const things = store.collection<number>('things');
    await store.write(() => {
      for (const [key, value] of [['b/2', 4], [10, 1], ['b/1', 3], ['a', 2], ['c', 5], [9, 0]] as const) things.put(key, value);
    });
    const values = (range?: Parameters<typeof things.entries>[0]): number[] => things.entries(range).map(([, value]) => value);
    t.deepEqual(values(), [0, 1, 2, 3, 4, 5]);
    t.deepEqual(values({ after: 10 }), [2, 3, 4, 5]);
    t.deepEqual(values({ prefix: 'b/' }), [3, 4]);
    t.deepEqual(values({ reverse: true, limit: 2 }), [5, 4]);
    t.is(things.get('b/1'), 3);
    t.is(store.collection('things').get(10), 1, 'the same name is the same collection');
    t.is(things.get('none'), undefined);
    await t.throwsAsync(
      store.write(() => {
        things.delete('a');
        throw new Error('half-way');
      }),
    );
    await store.write(() => things.delete('none'));
    t.is(values().length, 6);
    t.is(t.throws<CoreError>(() => things.put('x', 1)).code, 'E_INTERNAL');
    await store.close();
    t.is((await t.throwsAsync<CoreError>(store.write(() => {}))).code, 'E_CLOSED');
  });

  test(`the corner of a plugin in a store ${kind} is its own`, async (t) => {
    const store = open(temporaryFolder(t));
    const [mine, other] = [pluginCorner(store, 'mine'), pluginCorner(store, 'mine-too')];
    const value = { list: [1] };
    await mine.put('a/1', value);
    await mine.put('b', 'text');
    await other.put('a/1', 'theirs');
    value.list.push(2);
    t.deepEqual(await mine.get('a/1'), { list: [1] }, 'a copy, not the object');
    t.deepEqual(await mine.list('a/'), [['a/1', { list: [1] }]]);
    t.deepEqual((await mine.list()).map(([key]) => key), ['a/1', 'b']);
    await mine.remove('a/1');
    t.is(await mine.get('a/1'), undefined);
    t.is(await other.get('a/1'), 'theirs');
    await store.close();
  });
}
