/** The other ways in which a kernel or a filter says that it lacks what something stands in for, and several lacks at once: a container runs as ever. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from '#runtime-linux/facts.js';
import { executorBinary } from '../helpers/executor-plan.js';
import { withFolder } from '../helpers/real-kernel.js';
import { coreRun, doctor, leftIn } from './command.js';
import { denier } from './deny.js';

/** Its v2 group as the machine sees it; what is open, which is the standard three and the folder that `ls` reads; who it is. */
const script = 'echo $(sed -n s/^0::.*core.*/grouped/p /proc/self/cgroup) $(ls /proc/self/fd) $(id -u)';
const options = { memory: '64m', pids: 16, command: ['sh', '-c', script] };
const said = (stdout: string): string[] => stdout.trim().split('\n').map((line) => (JSON.parse(line) as { line: string }).line);
const expected = [`${machineFacts().cgroups.unified === undefined ? '' : 'grouped '}0 1 2 3 0`];

const table: ReadonlyArray<readonly [rules: readonly string[], checks: readonly string[]]> = [
  [['clone3=ENOSYS'], ['clone3']],
  [['into-group=E2BIG'], []],
  [['into-group=EINVAL'], []],
  [['close_range=ENOSYS'], ['close_range']],
  [['close_range=EPERM'], ['close_range']],
  // The flag alone is younger than the call.
  [['close_range=EINVAL'], []],
  [['clone3=ENOSYS', 'close_range=ENOSYS'], ['clone3', 'close_range']],
];

for (const [rules, checks] of table) {
  for (const user of ['host', 'private'] as const) {
    withFolder(`no ${rules.join(', no ')}: done without${user === 'private' ? ', in a user namespace' : ''}`, async (t, folder) => {
      const { status, stdout, stderr } = coreRun(folder, { rules, options: { ...options, namespaces: { user, cgroup: 'host' } } });
      t.is(status, 0, stderr);
      t.deepEqual(said(stdout), expected);
      t.deepEqual(leftIn(folder), []);
      if (user === 'private') return;
      const found = doctor(rules);
      for (const name of ['clone3', 'close_range']) t.is(found.get(name)?.status, checks.includes(name) ? 'limited' : 'ok', name);
    });
  }
}

/** glibc, and so Node, makes no thread where clone3 is answered by EPERM, as docker's profile once did; the executor asks nobody. */
withFolder('no clone3=EPERM, for the executor alone: done without', async (t, folder) => {
  const executor = join(folder, 'executor');
  writeFileSync(executor, `#!/bin/sh\nexec ${denier()} clone3=EPERM -- ${executorBinary} "$@"\n`);
  chmodSync(executor, 0o755);
  const { status, stdout, stderr } = coreRun(folder, { rules: [], executor, options: { ...options, namespaces: { cgroup: 'host' } } });
  t.is(status, 0, stderr);
  t.deepEqual(said(stdout), expected);
});
