import test from 'ava';
import { TreeRemover } from '#runtime-linux/link/trees.js';

/** Removals that end when the test says so. */
function removals() {
  const calls: Array<{ readonly paths: readonly string[]; readonly workdirs: readonly string[]; readonly end: (error?: Error) => void }> = [];
  const trees = new TreeRemover(({ paths, workdirs }) => new Promise<void>((resolve, reject) => {
    calls.push({ paths, workdirs, end: (error) => (error ? reject(error) : resolve()) });
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
  const second = trees.remove(['/c'], ['/w']);
  await turn();
  t.deepEqual([calls[1]?.paths, calls[1]?.workdirs], [['/c'], ['/w']]);
  calls[1]?.end();
  await second;
});

test('what comes while the workers are busy goes together, and is told together', async (t) => {
  const { trees, calls } = removals();
  const done: string[] = [];
  const all = ['/a', '/b', '/c', '/d', '/e'].map((path) => trees.remove([path]).then(() => done.push(path)));
  await turn();
  t.deepEqual(calls.map(({ paths }) => paths), [['/a'], ['/b']]);
  calls[1]?.end();
  await turn();
  t.deepEqual(calls[2]?.paths, ['/c', '/d', '/e']);
  t.deepEqual(done, ['/b']);
  calls[2]?.end();
  calls[0]?.end();
  await Promise.all(all);
  t.is(calls.length, 3);
});

test('a failure is told to those it concerns, and the next go on', async (t) => {
  const { trees, calls } = removals();
  const [a, b, c] = [trees.remove(['/a']), trees.remove(['/b']), trees.remove(['/c'])];
  await turn();
  calls[0]?.end(new Error('no'));
  await t.throwsAsync(a, { message: 'no' });
  await turn();
  calls[1]?.end();
  calls[2]?.end();
  await t.notThrowsAsync(Promise.all([b, c]));
});
