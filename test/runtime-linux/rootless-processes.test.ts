/** Finding a container's processes without a cgroup: never more than are its own. */
import test from 'ava';
import { processesInside } from '#runtime-linux/rootless/processes.js';

test('a process that shares the machine\'s pid namespace has none that could be told from others', async (t) => {
  await t.throwsAsync(processesInside(process.pid), { code: 'E_UNSUPPORTED' });
});

test('what has ended has none', async (t) => {
  t.deepEqual(await processesInside(2 ** 22 + 1), []);
});
