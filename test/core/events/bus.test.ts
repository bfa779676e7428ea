/** The event bus: numbered facts, listeners that cannot hinder each other, readers that may lag only so far. */
import test from 'ava';
import { createEventBus } from '#core/events/index.js';
import type { EngineEvent } from '#core/contracts/index.js';

const started = (id: string) => ({ type: 'container.started', object: { kind: 'container', id } });

test('numbers and dates events, from where the store stopped', (t) => {
  const bus = createEventBus({ firstSequence: 8 });
  const before = Date.now();
  const [first, second] = [bus.emit(started('a')), bus.emit(started('b'))];
  t.deepEqual([first.sequence, second.sequence], [8, 9]);
  t.true(first.time >= before && Object.isFrozen(first));
});

test('a listener that throws is reported and stops no other, nor the publisher', (t) => {
  const reported: unknown[] = [];
  const bus = createEventBus({ report: (error, { object }) => reported.push(error, object.id) });
  const heard: string[] = [];
  const failure = new Error('oops');
  bus.on(() => { throw failure; });
  bus.on(({ object }) => void heard.push(object.id));
  bus.emit(started('a'));
  t.deepEqual(heard, ['a']);
  t.deepEqual(reported, [failure, 'a']);
});

test('a removed listener hears nothing more; the others do', (t) => {
  const bus = createEventBus();
  const heard: string[] = [];
  const remove = bus.on(() => void heard.push('first'));
  bus.on(() => void heard.push('second'));
  remove();
  remove();
  bus.emit(started('a'));
  t.deepEqual(heard, ['second']);
  t.is(bus.listeners, 1);
});

test('a subscription has everything since the call, and leaving it unsubscribes', async (t) => {
  const bus = createEventBus();
  const items = bus.subscribe();
  for (const id of ['a', 'b']) bus.emit(started(id));
  setImmediate(() => bus.emit(started('c')));
  const seen: string[] = [];
  for await (const { object } of items) {
    seen.push(object.id);
    if (object.id === 'c') break;
  }
  t.deepEqual(seen, ['a', 'b', 'c']);
  t.is(bus.listeners, 0);
});

test('readers that wait at the same time are served in turn', async (t) => {
  const bus = createEventBus();
  const items = bus.subscribe();
  const waiting = Promise.all([items.next(), items.next()]);
  for (const id of ['a', 'b']) bus.emit(started(id));
  t.deepEqual((await waiting).map(({ value }) => (value as EngineEvent).object.id), ['a', 'b']);
});

test('only the wanted types', async (t) => {
  const bus = createEventBus();
  const items = bus.subscribe({ types: ['container.*', 'image.stored'] });
  for (const type of ['image.removed', 'container.exited', 'containers', 'image.stored', 'plugin.failed']) bus.emit({ ...started('a'), type });
  bus.close();
  const seen: string[] = [];
  for await (const { type } of items) seen.push(type);
  t.deepEqual(seen, ['container.exited', 'image.stored']);
});

test('a reader that lags too far gets what it had room for, then the error, and holds nothing', async (t) => {
  const bus = createEventBus();
  const items = bus.subscribe({ buffer: 2 });
  for (const id of ['a', 'b', 'c', 'd']) bus.emit(started(id));
  t.is(bus.listeners, 0);
  t.is((await items.next()).value.object.id, 'a');
  t.is((await items.next()).value.object.id, 'b');
  await t.throwsAsync(items.next(), { code: 'E_PROTOCOL', message: /more than 2 events/ });
  t.true((await items.next()).done);
});

test('a signal ends a subscription, before or while it waits', async (t) => {
  const bus = createEventBus();
  const abort = new AbortController();
  const waiting = bus.subscribe({ signal: abort.signal }).next();
  abort.abort();
  t.true((await waiting).done);
  t.true((await bus.subscribe({ signal: abort.signal }).next()).done);
  t.is(bus.listeners, 0);
});

test('closing ends every subscription', async (t) => {
  const bus = createEventBus();
  bus.on(() => t.fail());
  const waiting = bus.subscribe().next();
  bus.close();
  t.true((await waiting).done);
  bus.emit(started('a'));
  t.is(bus.listeners, 0);
});
