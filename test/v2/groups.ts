/** The groups of a machine with v2 alone, seen from the machine while containers run. Comes in: nothing. Goes out: tests. Imported by all.test.ts. */
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { machineFacts } from '#runtime-linux/facts.js';
import { groupOf } from '../helpers/cgroup.js';
import { e2e, e2eBare } from '../helpers/e2e.js';
import { own } from './driver.js';

const MIB = 1 << 20;
const TREE = '/sys/fs/cgroup';
const read = (pid: number, file: string): string => readFileSync(join(groupOf(pid, 'memory').path, file), 'utf8').trim();

e2e('the machine has v2 alone, with every controller a limit can want', async (t) => {
  const { cgroups } = machineFacts();
  t.is(cgroups.mode, 'v2');
  t.deepEqual(cgroups.v1, {});
  t.deepEqual([...cgroups.unifiedControllers].sort(), ['blkio', 'cpu', 'cpuset', 'hugetlb', 'memory', 'pids', 'rdma']);
});

e2e('groups: the controllers are handed down to the containers, and no process of others is moved', async (t, stage) => {
  const before = readFileSync(`${TREE}/init.scope/cgroup.procs`, 'utf8');
  const { pid } = await stage.up({});
  const { path } = groupOf(pid, 'memory');
  t.regex(path, /^\/sys\/fs\/cgroup\/core\/[0-9a-f]{12}\/[0-9a-f]{64}$/);
  for (const name of ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids']) t.true(read(pid, 'cgroup.controllers').split(' ').includes(name), name);
  const after = readFileSync(`${TREE}/init.scope/cgroup.procs`, 'utf8').split('\n');
  t.deepEqual(before.split('\n').filter((line) => existsSync(`/proc/${line}`) && !after.includes(line)), []);
});

e2e('groups: from inside one\'s own is the root, and cannot be written', async (t, stage) => {
  const { said } = await stage.up({ memory: '48m' }, 'cat /proc/self/cgroup; cat /sys/fs/cgroup/memory.max; echo max > /sys/fs/cgroup/memory.max; mkdir /sys/fs/cgroup/x; ls -d /sys/fs/cgroup/*/ 2>&-; grep -c cgroup /proc/self/mountinfo');
  t.is(said, `0::/\n${48 * MIB}\n1`);
});

e2e('pause: the group is frozen, a frozen container can be killed', async (t, stage) => {
  const { id, pid } = await stage.up({});
  await stage.engine.containers.pause({ container: id });
  t.regex(read(pid, 'cgroup.events'), /frozen 1/);
  await stage.engine.containers.resume({ container: id });
  t.regex(read(pid, 'cgroup.events'), /frozen 0/);
  await stage.engine.containers.pause({ container: id });
  await stage.engine.containers.kill({ container: id });
  t.like(await stage.engine.containers.wait({ container: id }), { exitCode: 137, signal: 'SIGKILL' });
});

e2e('end: what a container made below its group goes with it, processes and all', async (t, stage) => {
  const { id, pid } = await stage.up({}, 'sleep 900 &');
  const { path } = groupOf(pid, 'memory');
  for (const name of ['a', 'a/b', 'a/b/c', 'd']) mkdirSync(join(path, name));
  const [child = ''] = readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n').filter((line) => line !== String(pid));
  writeFileSync(join(path, 'a/b/c/cgroup.procs'), child);
  t.true((await stage.engine.containers.processes({ container: id })).includes(Number(child)), 'those below count');
  await stage.engine.containers.remove({ container: id, force: true });
  t.false(existsSync(path));
  t.false(existsSync(`/proc/${child}`));
});

e2e('oom: the notice comes while the container runs on', async (t, stage) => {
  const { id, pid, sh } = await stage.up({ memory: '32m' });
  t.not((await sh('probe eat 200')).code, 0);
  t.regex(read(pid, 'memory.events'), /oom_kill [1-9]/);
  t.true((await stage.engine.containers.stats({ container: id })).memory.oomKills > 0);
  t.is((await stage.engine.containers.inspect({ container: id })).state, 'running');
});

e2e('stats: what the group\'s files say', async (t, stage) => {
  const { id, pid } = await stage.up({ memory: '64m', pids: 50 }, 'sleep 900 &');
  const { memory, pids, cpu } = await stage.engine.containers.stats({ container: id });
  t.like(memory, { limit: 64 * MIB, swap: 0, oomKills: 0 });
  t.true(memory.usage > 0 && memory.workingSet <= memory.usage);
  t.deepEqual(pids, { current: 2, limit: 50 });
  t.true(cpu.usageUsec > 0 && cpu.usageUsec <= Number(/usage_usec (\d+)/.exec(read(pid, 'cpu.stat'))?.[1]));
});

e2e('update: every controller, up and down, and back to none', async (t, stage) => {
  const { id, pid } = await stage.up({ memory: '64m', pids: 50, cpus: 0.5 });
  const update = (limits: Parameters<typeof stage.engine.containers.update>[0]['limits']): Promise<unknown> => stage.engine.containers.update({ container: id, limits });
  await update({ memory: '96m', memorySwap: '128m', cpuShares: 2048, cpusetCpus: '0', pids: -1 });
  t.deepEqual(['memory.max', 'memory.swap.max', 'cpu.weight', 'cpuset.cpus', 'pids.max', 'cpu.max'].map((file) => read(pid, file)), [`${96 * MIB}`, `${32 * MIB}`, '174', '0', 'max', '50000 100000']);
  await update({ memory: '48m', memorySwap: '48m' });
  t.deepEqual(['memory.max', 'memory.swap.max'].map((file) => read(pid, file)), [`${48 * MIB}`, '0']);
  await t.throwsAsync(update({ memory: '56m', cpusetCpus: '7' }), { code: 'E_SETUP' });
  t.deepEqual(['memory.max', 'cpuset.cpus'].map((file) => read(pid, file)), [`${48 * MIB}`, '0'], 'all or none');
});

e2e('io.weight: on the scale of v2', async (t, stage) => {
  t.is(read((await stage.up({ io: { weight: 500 } })).pid, 'io.weight'), 'default 4950');
});

e2eBare('unified: files by their own names, and a file nobody has is told', async (t, folders) => {
  await own(folders, {}, async ({ driver, request }) => {
    await driver.create(request('named', { resources: { unified: { 'memory.high': '33554432', 'pids.max': '77' } } }));
    await driver.start({ id: 'named' });
    const { pid = 0 } = await driver.status({ id: 'named' });
    t.deepEqual([read(pid, 'memory.high'), read(pid, 'pids.max')], ['33554432', '77']);
    await driver.create(request('strange', { resources: { unified: { 'memory.strange': '1' } } }));
    await t.throwsAsync(driver.start({ id: 'strange' }), { code: 'E_SETUP', message: /memory\.strange/ });
  });
});

e2eBare('parent: one with processes of its own hands nothing on, which is said before anything is done', async (t, folders) => {
  const busy = `${TREE}/busy`;
  mkdirSync(busy);
  const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    writeFileSync(`${busy}/cgroup.procs`, String(sleeper.pid));
    await own(folders, { cgroupParent: '/busy' }, async ({ driver, request }) => {
      const refused = await t.throwsAsync(Promise.resolve().then(() => driver.create(request('limited', { resources: { memory: { limit: 64 * MIB } } }))), { code: 'E_UNSUPPORTED', message: /memory.*\/busy/ });
      t.regex(String((refused as { hint?: string }).hint), /processes of its own/);
      await driver.create(request('free', {}));
      await driver.start({ id: 'free' });
      t.is((await driver.status({ id: 'free' })).state, 'running', 'what has no limits runs all the same');
    });
    t.is(readFileSync(`${busy}/cgroup.procs`, 'utf8').trim(), String(sleeper.pid), 'nobody was moved');
  } finally {
    sleeper.kill('SIGKILL');
    if (sleeper.exitCode === null && sleeper.signalCode === null) await once(sleeper, 'exit');
    for (const name of readdirSync(busy, { withFileTypes: true }).filter((entry) => entry.isDirectory())) rmdirSync(join(busy, name.name));
    rmdirSync(busy);
  }
});
