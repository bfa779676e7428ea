/** Beneath a denial: where processes are born, seen from the machine, and the filters they have, one of which is the denial's own. Run by the tier alone. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { machineFacts } from '#runtime-linux/facts.js';
import { Executor, execPlan, lacking, runExec } from '../../e2e/executor/support.js';
import { e2e } from '../../helpers/e2e.js';
import { statusField } from '../../helpers/proc.js';

const { unified } = machineFacts().cgroups;
const unless = unified === undefined ? 'there is no v2 tree' : undefined;
const groupOf = (pid: number | 'self'): string => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

for (const user of ['host', 'private'] as const) {
  e2e(`the first process and an exec are in the container's v2 group (user namespace: ${user})`, async (t, stage) => {
    const { id, pid, sh } = await stage.up({ namespaces: { user, cgroup: 'host' } });
    t.regex(groupOf(pid), new RegExp(`/core/[0-9a-f]+/${id}$`));
    t.not(groupOf(pid), groupOf('self'));
    t.is((await sh('sed -n s/^0:://p /proc/self/cgroup')).out, groupOf(pid), 'an exec');
    t.true(readFileSync(join(unified as string, groupOf(pid), 'cgroup.procs'), 'utf8').split('\n').includes(String(pid)));
  }, { unless });
}

e2e('the container has its own filter beside that of the denial, and is in namespaces of its own', async (t, stage) => {
  const { pid, sh } = await stage.up({});
  const around = Number(statusField('self', 'Seccomp_filters'));
  t.true(around > 0, 'there is no denial');
  t.is(Number(statusField(pid, 'Seccomp_filters')), around + 1);
  t.is((await sh('sed -n "s/^Seccomp_filters:.//p" /proc/self/status')).out, String(around + 1), 'an exec');
  t.is((await sh('mount -t tmpfs none /tmp 2>/dev/null; echo $?')).out, '1');
});

/** A group that takes no process: a sibling of it is threaded. */
test.serial('a process that cannot get into its group is not run anywhere else', async (t) => {
  if (lacking !== undefined || unified === undefined) return void t.pass(lacking ?? unless);
  const parent = join(unified, `core-fallbacks-${process.pid}`);
  const [threaded, invalid] = [join(parent, 'a'), join(parent, 'b')];
  for (const folder of [parent, threaded, invalid]) mkdirSync(folder);
  try {
    writeFileSync(join(threaded, 'cgroup.type'), 'threaded');
    const executor = await Executor.start(t);
    await t.throwsAsync(executor.startContainer('c1', { plan: { cgroup: invalid } }), { message: /group|process/ });
    t.false(existsSync(join(executor.run, 'c1')));
    await executor.startContainer('c2', { argv: ['sleep', '1000'] });
    await t.throwsAsync(runExec(executor, 'c2', execPlan('e1', ['true'], { cgroup: invalid })), { message: /group|process/ });
  } finally {
    for (const folder of [invalid, threaded, parent]) rmdirSync(folder);
  }
});
