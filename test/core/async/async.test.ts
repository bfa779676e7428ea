/** The ground under hooks and ports: bounded waiting, gates, linked signals, shared deadlines. */
import test from 'ava';
import { bounded, Deadlines, Gate, LinkedSignal, Waiting } from '#core/async/index.js';

const never = new Promise<never>(() => {});

test('bounded: the work\'s own end comes through', async (t) => {
  t.is(await bounded(Promise.resolve(1), { what: 'work', deadline: 0 }), 1);
  await t.throwsAsync(bounded(Promise.reject(new Error('own')), { what: 'work', deadline: 1000 }), { message: 'own' });
});

test('bounded: the deadline names what took too long, and frees what comes late', async (t) => {
  let finish = (_value: string): void => {};
  const late = new Promise<string>((freed) => {
    const work = new Promise<string>((resolve) => (finish = resolve));
    void t.throwsAsync(bounded(work, { what: 'setup of x', deadline: 5, late: freed }), { code: 'E_TIMEOUT', message: 'setup of x took longer than 0.005 s' }).then(() => finish('late'));
  });
  t.is(await late, 'late');
});

test('bounded: the signal, fired before or while waiting', async (t) => {
  const abort = new AbortController();
  const waiting = bounded(never, { what: 'work', deadline: 0, signal: abort.signal });
  abort.abort(new Error('why'));
  const error = await t.throwsAsync(waiting, { code: 'E_ABORTED' });
  t.is((error?.cause as Error | undefined)?.message, 'why');
  await t.throwsAsync(bounded(never, { what: 'work', deadline: 0, signal: abort.signal }), { code: 'E_ABORTED' });
});

test('a gate counts and drains', async (t) => {
  const gate = new Gate();
  await gate.drained();
  gate.enter();
  gate.enter();
  let drained = false;
  const waiting = gate.drained().then(() => (drained = true));
  gate.leave();
  await Promise.resolve();
  t.false(drained);
  gate.leave();
  await waiting;
  t.is(gate.inflight, 0);
});

test('a linked signal follows its parent, before and after somebody looks', (t) => {
  const parent = new AbortController();
  const linked = new LinkedSignal(parent.signal);
  const { signal } = linked;
  parent.abort('reason');
  t.is(signal.reason, 'reason');
  t.is(new LinkedSignal(parent.signal).signal.reason, 'reason');
});

test('a linked signal remembers an abort nobody looked at, and follows no more once released', (t) => {
  const parent = new AbortController();
  const early = new LinkedSignal(undefined);
  early.abort('early');
  t.is(early.signal.reason, 'early');
  const linked = new LinkedSignal(parent.signal);
  const { signal } = linked;
  linked.release();
  const late = new LinkedSignal(parent.signal);
  late.release();
  const unlinked = late.signal;
  parent.abort();
  t.false(signal.aborted);
  t.false(unlinked.aborted);
});

class Item extends Waiting {
  readonly expired: Promise<void>;
  #expire = (): void => {};
  readonly #list: Deadlines<Item>;

  constructor(list: Deadlines<Item>) {
    super();
    this.#list = list;
    this.expired = new Promise((resolve) => (this.#expire = resolve));
    list.begin(this);
  }

  expire(): void {
    this.#list.end(this);
    this.#expire();
  }
}

test('deadlines: what ended does not expire, what waits does, whatever ends around it', async (t) => {
  const list = new Deadlines<Item>(32);
  const items = Array.from({ length: 5 }, () => new Item(list));
  const [first, second, third, fourth, fifth] = items as [Item, Item, Item, Item, Item];
  for (const item of [third, first, fifth]) list.end(item);
  t.deepEqual(list.items(), [second, fourth]);
  const ended: Item[] = [];
  for (const item of items) void item.expired.then(() => ended.push(item));
  await Promise.all([second.expired, fourth.expired]);
  t.deepEqual(ended, [second, fourth]);
  t.deepEqual(list.items(), []);
  await new Item(list).expired;
});

test('deadlines: 0 keeps the list and no timer', (t) => {
  const list = new Deadlines<Item>(0);
  const item = new Item(list);
  t.deepEqual(list.items(), [item]);
  t.false(process.getActiveResourcesInfo().includes('Timeout') && list.items().length === 0);
});
