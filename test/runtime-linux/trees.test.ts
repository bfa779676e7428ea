import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { TreeRemover } from '#runtime-linux/link/trees.js';

/** Removals that end when the test says so. */
function removals() {
  const calls: Array<{ readonly paths: readonly string[]; readonly end: (error?: Error) => void }> = [];
  const trees = new TreeRemover((paths) => new Promise<void>((resolve, reject) => {
    calls.push({ paths, end: (error) => (error ? reject(error) : resolve()) });
  }));
  return { trees, calls };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one at a time goes at once, alone', async (t) => {
  const { trees, calls } = removals();
  const first = trees.remove(['/a', '/b']);
  await turn();
  t.deepEqual(calls.map(({ paths }) => paths), [['/a', '/b']]);
  calls[0]?.end();
  await first;
  const second = trees.remove(['/c']);
  await turn();
  t.deepEqual(calls[1]?.paths, ['/c']);
  calls[1]?.end();
  await second;
});

test('what comes while one is busy goes together, and is told together', async (t) => {
  const { trees, calls } = removals();
  const done: string[] = [];
  const all = ['/a', '/b', '/c'].map((path) => trees.remove([path]).then(() => done.push(path)));
  await turn();
  t.deepEqual(calls.map(({ paths }) => paths), [['/a']]);
  calls[0]?.end();
  await turn();
  t.deepEqual(calls[1]?.paths, ['/b', '/c']);
  t.deepEqual(done, ['/a']);
  calls[1]?.end();
  await Promise.all(all);
  t.is(calls.length, 2);
});

test('a large folder does not hold the others up', async (t) => {
  const { trees, calls } = removals();
  const large = trees.remove(['/large']);
  const small = trees.remove(['/small']);
  while (calls.length < 2) await sleep(5);
  t.deepEqual(calls[1]?.paths, ['/small']);
  const third = trees.remove(['/third']);
  await sleep(40);
  t.is(calls.length, 2);
  calls[1]?.end();
  await small;
  await turn();
  t.deepEqual(calls[2]?.paths, ['/third']);
  calls[2]?.end();
  calls[0]?.end();
  await Promise.all([large, third]);
});

test('a failure is told to those it concerns, and the next go on', async (t) => {
  const { trees, calls } = removals();
  const [a, b] = [trees.remove(['/a']), trees.remove(['/b'])];
  await turn();
  calls[0]?.end(new Error('no'));
  await t.throwsAsync(a, { message: 'no' });
  await turn();
  calls[1]?.end();
  await t.notThrowsAsync(b);
});
