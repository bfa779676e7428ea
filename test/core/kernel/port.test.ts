/** Ports: plain frozen objects that forward, count, hold back and give up. */
import test from 'ava';
import type { CallOptions } from '#core/contracts/index.js';
import { CoreError } from '#core/errors/index.js';
import { Slot } from '#core/kernel/slot.js';
import { Echo, echo, nextTurn } from '../../helpers/plugins.js';

function filled(changes: Partial<Echo> = {}): { slot: Slot; port: Echo } {
  const slot = new Slot('echo', Echo);
  slot.fill(echo('1.0.0', changes));
  return { slot, port: slot.port as Echo };
}

test('a plain frozen object of the contract\'s shape', (t) => {
  const { port } = filled();
  t.deepEqual(Object.keys(port), ['say', 'hang', 'wait', 'count', 'tail', 'group']);
  t.true(Object.isFrozen(port) && Object.isFrozen(port.group));
  t.is(Object.getPrototypeOf(port), Object.prototype);
});

test('forwards requests, groups too, to the object they stand in', async (t) => {
  class Counting {
    #calls = 0;
    async say() {
      return { text: String(++this.#calls), version: '' };
    }
  }
  const slot = new Slot('echo', Echo);
  const counting = new Counting();
  slot.fill(Object.assign(counting, { ...echo(), say: Counting.prototype.say }));
  t.is((await (slot.port as Echo).say({ text: '' })).text, '1');
  t.is(await filled().port.group.deep({}), '1.0.0');
});

test('what the implementation throws at once is a rejection', async (t) => {
  const { slot, port } = filled({ say: () => { throw new CoreError('E_EXISTS', { message: 'taken' }); } });
  await t.throwsAsync(port.say({ text: '' }), { code: 'E_EXISTS' });
  await slot.drained();
  t.deepEqual(slot.underway(), []);
});

test('the deadline of the table ends the call and tells the implementation', async (t) => {
  let told: AbortSignal | undefined;
  const { slot, port } = filled({ hang: (_request, options) => ((told = options?.signal), new Promise(() => {})) });
  await t.throwsAsync(port.hang({}), { code: 'E_TIMEOUT', message: /hang did not answer within 0\.064 s/ });
  t.true(told?.aborted);
  t.deepEqual(slot.underway(), []);
});

test('the caller\'s signal goes through, and the port waits for the unwinding', async (t) => {
  const seen: string[] = [];
  const { port } = filled({
    hang: async (_request, options) => {
      await new Promise((resolve) => options?.signal?.addEventListener('abort', resolve, { once: true }));
      await nextTurn();
      seen.push('unwound');
      throw new CoreError('E_ABORTED', { message: 'ended' });
    },
  });
  const abort = new AbortController();
  const answer = port.hang({}, { signal: abort.signal });
  abort.abort();
  await t.throwsAsync(answer, { code: 'E_ABORTED' });
  t.deepEqual(seen, ['unwound']);
});

test('options survive being spread by an implementation', async (t) => {
  let inner: CallOptions | undefined;
  const { slot, port } = filled({ wait: (_request, options) => ((inner = { ...options }), new Promise(() => {})) });
  const answer = port.wait({});
  await nextTurn();
  slot.close('is closed');
  slot.abandon();
  await t.throwsAsync(answer, { code: 'E_CLOSED' });
  t.true(inner?.signal?.aborted);
});

test('no progress after the call has settled', async (t) => {
  let report: CallOptions['onProgress'];
  const { port } = filled({ say: async ({ text }, options) => ((report = options?.onProgress), report?.({ id: 'a', phase: 'work' }), { text, version: '' }) });
  const seen: string[] = [];
  await port.say({ text: '' }, { onProgress: ({ phase }) => void seen.push(phase) });
  report?.({ id: 'a', phase: 'late' });
  t.deepEqual(seen, ['work']);
});

test('a shut slot holds calls back and lets them go in order', async (t) => {
  const seen: string[] = [];
  const { slot, port } = filled({ say: async ({ text }) => (seen.push(text), { text, version: '' }) });
  slot.shut();
  const answers = ['1', '2', '3'].map((text) => port.say({ text }));
  await nextTurn();
  t.deepEqual(seen, []);
  slot.open();
  await Promise.all(answers);
  t.deepEqual(seen, ['1', '2', '3']);
});

test('a held call can be aborted', async (t) => {
  const { slot, port } = filled();
  slot.shut();
  const abort = new AbortController();
  const answer = port.say({ text: '' }, { signal: abort.signal });
  abort.abort();
  await t.throwsAsync(answer, { code: 'E_ABORTED' });
});

test('drained waits for the last call', async (t) => {
  let finish = (): void => {};
  const { slot, port } = filled({ say: ({ text }) => new Promise((resolve) => (finish = () => resolve({ text, version: '' }))) });
  const answer = port.say({ text: '' });
  let drained = false;
  const draining = slot.drain().then(() => (drained = true));
  await nextTurn();
  t.false(drained);
  t.deepEqual(slot.underway(), ['echo@1 say']);
  finish();
  await draining;
  await answer;
});

test('a stream counts from its first item until it ends', async (t) => {
  const { slot, port } = filled();
  const items = port.count({ to: 2 })[Symbol.asyncIterator]();
  t.deepEqual(slot.underway(), []);
  t.deepEqual(await items.next(), { done: false, value: 1 });
  t.deepEqual(slot.underway(), ['echo@1 count']);
  await items.next();
  t.true((await items.next()).done);
  t.deepEqual(slot.underway(), []);
  t.true((await items.next()).done);
});

test('a stream that is left runs the implementation\'s clean-up', async (t) => {
  let cleaned = false;
  const { slot, port } = filled({
    async *count() {
      try {
        for (;;) yield 1;
      } finally {
        cleaned = true;
      }
    },
  });
  for await (const item of port.count({ to: 1 })) if (item) break;
  t.true(cleaned);
  t.deepEqual(slot.underway(), []);
});

test('readers that ask at the same time share one call', async (t) => {
  let calls = 0;
  const { slot, port } = filled({ async *count() { calls++; yield 1; yield 2; } });
  slot.shut();
  const items = port.count({ to: 2 })[Symbol.asyncIterator]();
  const asked = Promise.all([items.next(), items.next(), items.next(), items.next()]);
  await nextTurn();
  slot.open();
  t.deepEqual((await asked).map(({ value }) => value), [1, 2, undefined, undefined]);
  t.is(calls, 1);
  t.deepEqual(slot.underway(), []);
});

test('a stream that is left while it waits ends at once and tells the implementation', async (t) => {
  let told: AbortSignal | undefined;
  const { slot, port } = filled({ async *count(_request, options) { told = options?.signal; await new Promise(() => {}); yield 1; } });
  const items = port.count({ to: 1 })[Symbol.asyncIterator]();
  const waiting = items.next();
  await nextTurn();
  await items.return?.();
  t.true((await waiting).done);
  t.true(told?.aborted);
  t.deepEqual(slot.underway(), []);
});

test('a stream that is left while it is held back never begins', async (t) => {
  let calls = 0;
  const { slot, port } = filled({ async *count() { calls++; yield 1; } });
  slot.shut();
  const items = port.count({ to: 1 })[Symbol.asyncIterator]();
  const waiting = items.next();
  await items.return?.();
  slot.open();
  t.true((await waiting).done);
  t.is(calls, 0);
  t.deepEqual(slot.underway(), []);
});

test('a stream that cannot be had says so once, and is over', async (t) => {
  const { slot, port } = filled();
  slot.close('is closed');
  const items = port.count({ to: 1 })[Symbol.asyncIterator]();
  await t.throwsAsync(items.next(), { code: 'E_CLOSED' });
  t.true((await items.next()).done);
});

test('a stream that fails stops counting', async (t) => {
  const { slot, port } = filled({ async *count() { yield 1; throw new CoreError('E_IO', { message: 'gone' }); } });
  const items = port.count({ to: 1 })[Symbol.asyncIterator]();
  await items.next();
  await t.throwsAsync(items.next(), { code: 'E_IO' });
  t.deepEqual(slot.underway(), []);
});

test('closing refuses what comes, tells what is under way, and gives up what does not heed it', async (t) => {
  const { slot, port } = filled({ count: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) });
  const heeding = port.wait({});
  const deaf = port.count({ to: 1 })[Symbol.asyncIterator]().next();
  await nextTurn();
  slot.close('is closed');
  await t.throwsAsync(heeding, { code: 'E_CLOSED' });
  await t.throwsAsync(port.say({ text: '' }), { code: 'E_CLOSED', message: /echo@1 of echo is closed/ });
  slot.abandon();
  await t.throwsAsync(deaf, { code: 'E_CLOSED' });
  await slot.drained();
});
