import test, { type ExecutionContext } from 'ava';
import { CoreError } from '#core/errors/index.js';
import { createSagas, intentsOf, type Saga } from '#core/operations/saga.js';
import type { Store } from '#core/state/index.js';
import { openStore } from '#core/state/lmdb-store.js';
import { temporaryFolder } from '../../helpers/folder.js';

const object = { kind: 'thing', id: 'one' };
const STEPS = 4;

function makeStore(t: ExecutionContext): Store {
  const store = openStore({ root: temporaryFolder(t), durable: false });
  t.teardown(() => store.close());
  return store;
}

/** Steps that each put their number on a pile and take it away again. */
async function pileUp(saga: Saga, pile: number[], before: (step: number) => void = () => {}): Promise<string> {
  for (let step = 0; step < STEPS; step++) {
    await saga.step(
      `step ${step}`,
      async () => {
        before(step);
        pile.push(step);
      },
      async () => {
        if (pile.at(-1) === step) pile.pop();
      },
    );
  }
  return 'done';
}

test('all steps run, and the intent is gone with the last', async (t) => {
  const store = makeStore(t);
  const pile: number[] = [];
  const records = store.collection<string>('things');
  const result = await createSagas(store)({ operation: 'thing.make', object }, async (saga) => {
    saga.record(
      () => records.put('one', 'made'),
      () => records.delete('one'),
    );
    await saga.recorded();
    t.like(intentsOf(store).entries(), [['thing/one', { operation: 'thing.make', object }]]);
    t.is(records.get('one'), 'made', 'record and intent appear together');
    return pileUp(saga, pile);
  });
  t.is(result, 'done');
  t.deepEqual(pile, [0, 1, 2, 3]);
  t.deepEqual(intentsOf(store).entries(), []);
  t.is(records.get('one'), 'made');
});

for (let failing = 0; failing < STEPS; failing++) {
  test(`a failure of step ${failing} unwinds everything, the last first`, async (t) => {
    const store = makeStore(t);
    const records = store.collection<string>('things');
    const undone: string[] = [];
    const error = await t.throwsAsync<CoreError>(
      createSagas(store)({ operation: 'thing.make', object }, async (saga) => {
        saga.record(
          () => records.put('one', 'made'),
          () => records.delete('one'),
        );
        for (let step = 0; step < STEPS; step++) {
          const work = async () => {
            if (step === failing) throw new CoreError('E_IO', { message: 'disk full' });
          };
          await saga.step(`step ${step}`, work, async () => undone.push(`step ${step}`));
        }
      }),
    );
    t.is(error.code, 'E_IO');
    t.deepEqual(undone, Array.from({ length: failing + 1 }, (_, index) => `step ${failing - index}`), 'a step cut off half-way is undone too');
    t.deepEqual(intentsOf(store).entries(), []);
    t.is(records.get('one'), undefined);
  });

  test(`an abort before step ${failing} unwinds and says so`, async (t) => {
    const store = makeStore(t);
    const abort = new AbortController();
    const pile: number[] = [];
    const error = await t.throwsAsync<CoreError>(
      createSagas(store)({ operation: 'thing.make', object, signal: abort.signal }, (saga) => {
        if (failing === 0) abort.abort();
        return pileUp(saga, pile, (step) => {
          if (step === failing - 1) abort.abort();
        });
      }),
    );
    t.is(error.code, 'E_ABORTED');
    t.deepEqual(pile, []);
  });
}

test('an undo that fails hides neither the others nor the first error, and keeps the intent', async (t) => {
  const store = makeStore(t);
  const pile: number[] = [];
  const error = await t.throwsAsync<CoreError>(
    createSagas(store)({ operation: 'thing.make', object }, async (saga) => {
      saga.record(
        () => {},
        () => {},
      );
      await saga.recorded();
      await pileUp(saga, pile);
      saga.undo('stuck', async () => {
        throw new Error('will not go');
      });
      throw new CoreError('E_STATE', { message: 'the first error', issues: [{ path: 'a', message: 'b' }] });
    }),
  );
  t.is(error.code, 'E_STATE');
  t.is(error.message, 'the first error');
  t.deepEqual(error.issues, [{ path: 'a', message: 'b' }, { path: 'stuck', message: 'undo failed: will not go' }]);
  t.deepEqual(pile, []);
  t.is(intentsOf(store).entries().length, 1, 'the next boot tries again');
});

test('what nobody foresaw becomes a typed error with its cause', async (t) => {
  const cause = new TypeError('x is not a function');
  const error = await t.throwsAsync<CoreError>(createSagas(makeStore(t))({ operation: 'thing.make', object }, () => Promise.reject(cause)));
  t.is(error.code, 'E_INTERNAL');
  t.is(error.cause, cause);
});
