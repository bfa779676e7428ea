import test from 'ava';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_LIMITS } from '#core/ipc/index.js';
import { linked, until } from './probe.js';

test('items arrive in order, all of them, then the end', async (t) => {
  const { probe, diary } = await linked(t);
  const seen: number[] = [];
  for await (const { n } of probe.count({ to: 5000, size: 200 })) seen.push(n);
  t.deepEqual(seen, Array.from({ length: 5000 }, (_, i) => i + 1));
  t.is(diary.open, 0);
});

test('credit given back is exactly the credit spent: 200,000 small items, and input as long', async (t) => {
  const { probe } = await linked(t, { limits: { window: 4096 } }, { limits: { window: 4096 } });
  let seen = 0;
  for await (const _ of probe.count({ to: 200_000, size: 0 })) seen++;
  t.is(seen, 200_000);
  async function* input(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 50_000; i++) yield new Uint8Array(1);
  }
  t.is((await probe.upload({}, { input: input() })).bytes, 50_000);
});

test('a stream begins with the first next', async (t) => {
  const { probe, diary } = await linked(t);
  const items = probe.count({ to: 3 });
  await probe.echo(1);
  t.is(diary.open, 0);
  for await (const _ of items) break;
  t.is(diary.produced > 0, true);
});

test('an error in the middle comes after the items before it', async (t) => {
  const { probe, diary } = await linked(t);
  const seen: number[] = [];
  await t.throwsAsync(async () => {
    for await (const { n } of probe.count({ to: 10, failAt: 4 })) seen.push(n);
  }, { code: 'E_IO', message: 'the source broke' });
  t.deepEqual(seen, [1, 2, 3]);
  t.is(diary.open, 0);
});

for (const size of [0, 1000, 50_000]) {
  test(`a consumer that takes nothing holds back the producer (items of ${size} bytes)`, async (t) => {
    const { probe, diary } = await linked(t);
    const items = probe.count({ to: 1_000_000, size })[Symbol.asyncIterator]();
    await items.next();
    await sleep(100);
    const bound = Math.ceil(DEFAULT_LIMITS.window / (size + 64)) + 4;
    t.true(diary.produced <= bound, `${diary.produced} produced, ${bound} allowed`);
    const before = diary.produced;
    for (let i = 0; i < before * 2; i++) await items.next();
    t.true(diary.produced > before);
    await items.return?.();
    t.is(diary.open, 0);
  });
}

test('a slow consumer does not hold up other calls', async (t) => {
  const { probe } = await linked(t);
  const items = probe.count({ to: 1_000_000, size: 10_000 })[Symbol.asyncIterator]();
  await items.next();
  t.is(await probe.math.add({ a: 1, b: 1 }), 2);
  await items.return?.();
});

test('an item larger than the window passes', async (t) => {
  const { probe } = await linked(t);
  const sizes: number[] = [];
  for await (const { pad } of probe.count({ to: 3, size: 2_000_000 })) sizes.push(pad.length);
  t.deepEqual(sizes, [2_000_000, 2_000_000, 2_000_000]);
});

test('leaving a stream early aborts it and waits until it has unwound', async (t) => {
  const { probe, diary } = await linked(t);
  for await (const n of probe.tick({})) if (n === 1) break;
  t.is(diary.open, 0);
  t.is(diary.aborted.length, 1);
});

test('a signal ends a stream that waits', async (t) => {
  const { probe, diary } = await linked(t);
  const controller = new AbortController();
  const seen: number[] = [];
  await t.throwsAsync(async () => {
    for await (const n of probe.tick({}, { signal: controller.signal })) {
      seen.push(n);
      if (n === 2) setTimeout(() => controller.abort(), 5);
    }
  }, { code: 'E_ABORTED' });
  t.deepEqual(seen, [0, 1, 2]);
  t.is(diary.open, 0);
});

test('a peer that dies in mid-stream fails the stream after what had arrived', async (t) => {
  const { probe, diary, sockets } = await linked(t);
  const items = probe.tick({})[Symbol.asyncIterator]();
  t.is((await items.next()).value, 0);
  const waiting = Promise.all([items.next(), items.next(), items.next()]);
  t.true(await until(() => diary.open === 1));
  sockets[1].destroy();
  await t.throwsAsync(waiting, { code: 'E_CLOSED' });
  t.deepEqual(await items.next(), { done: true, value: undefined });
});

test('input goes the other way', async (t) => {
  const { probe } = await linked(t);
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('hello ');
    yield Buffer.from('world');
  }
  t.deepEqual(await probe.upload({}, { input: input() }), { bytes: 11, text: 'hello world' });
});

test('a call that reads input gets none when the caller has none', async (t) => {
  const { probe } = await linked(t);
  t.deepEqual(await probe.upload({}), { bytes: 0, text: '' });
});

test('20 MB of input in one piece and in many', async (t) => {
  const { probe } = await linked(t);
  async function* pieces(size: number): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < 20_000_000; sent += size) yield new Uint8Array(size);
  }
  t.is((await probe.upload({}, { input: pieces(20_000_000) })).bytes, 20_000_000);
  t.is((await probe.upload({}, { input: pieces(10_000) })).bytes, 20_000_000);
});

test('input is read no faster than it is taken, and not after the call has ended', async (t) => {
  const { probe } = await linked(t);
  let read = 0;
  let closed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        read += 1000;
        yield new Uint8Array(1000);
      }
    } finally {
      closed = true;
    }
  }
  const { bytes } = await probe.upload({ take: 1500 }, { input: endless() });
  t.is(bytes, 2000);
  t.true(await until(() => closed));
  t.true(read <= DEFAULT_LIMITS.window + 10_000, `${read} bytes read`);
});

test('input that fails is told to the implementation', async (t) => {
  const { probe } = await linked(t);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    throw new Error('stdin broke');
  }
  await t.throwsAsync(probe.upload({}, { input: broken() }), { message: 'stdin broke' });
});

test('input and output of one call flow at the same time', async (t) => {
  const { probe } = await linked(t);
  const keyboard = new PassThrough();
  const lines = probe.shout({}, { input: keyboard })[Symbol.asyncIterator]();
  for (const word of ['one', 'two', 'three']) {
    const answer = lines.next();
    keyboard.write(word);
    t.is((await answer).value, word.toUpperCase());
  }
  keyboard.end();
  t.true((await lines.next()).done);
});
