/** Birth on a kernel that cannot put a process into its group at once: the executor does it by `cgroup.procs`, and limits and rules hold as ever. Comes in: nothing. Goes out: tests. Imported by all.test.ts. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { denier } from '../fallbacks/deny.js';
import { groupOf } from '../helpers/cgroup.js';
import { e2eBare } from '../helpers/e2e.js';
import { executorBinary } from '../helpers/executor-plan.js';
import { own } from './driver.js';

const MIB = 1 << 20;

for (const rule of ['into-group=E2BIG', 'clone3=ENOSYS']) {
  e2eBare(`late: without ${rule} the process is in its group, under its limits`, async (t, folders) => {
    const executor = join(folders.root, '..', 'tmp', 'executor');
    writeFileSync(executor, `#!/bin/sh\nexec ${denier()} ${rule} -- ${executorBinary} "$@"\n`);
    chmodSync(executor, 0o755);
    await own(folders, { executor }, async ({ driver, request }) => {
      const rules = [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }] as const;
      await driver.create(request('c1', { resources: { memory: { limit: 48 * MIB }, pids: { limit: 20 }, devices: [...rules] } }));
      const { pid } = await driver.start({ id: 'c1' });
      const { path } = groupOf(pid, 'memory');
      t.regex(path, /\/c1$/);
      t.is(readFileSync(join(path, 'memory.max'), 'utf8'), `${48 * MIB}\n`);
      t.deepEqual(readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n'), [String(pid)]);
      t.deepEqual(await driver.processes({ id: 'c1' }), [pid]);

      await driver.create(request('c2', { resources: { memory: { limit: 32 * MIB, swap: 32 * MIB } } }, { args: ['probe', 'eat', '200'] }));
      await driver.start({ id: 'c2' });
      t.like(await driver.wait({ id: 'c2' }), { exitCode: 137, oomKilled: true });
    });
    rmSync(executor);
  });
}
