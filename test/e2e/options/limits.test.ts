/** Limits: what the group says inside and outside, and that the kernel holds the container to it. */
import { readFileSync } from 'node:fs';
import { groupValue, insideValue, versionOf } from '../../helpers/cgroup.js';
import { e2e } from '../../helpers/e2e.js';
import { optionCases, type OptionCase } from '../../helpers/option-case.js';
import type { ContainerOptions } from '@core/core/plugin';

const MIB = 1 << 20;
const MEMORY = { v1: 'memory.limit_in_bytes', v2: 'memory.max' };
const SOFT = { v1: 'memory.soft_limit_in_bytes', v2: 'memory.low' };
const PIDS = { v1: 'pids.max', v2: 'pids.max' };
const SWAPPINESS = { v1: 'memory.swappiness', v2: 'memory.swappiness' };
const SHARES = { v1: 'cpu.shares', v2: 'cpu.weight' };
const QUOTA = { v1: 'cpu.cfs_quota_us', v2: 'cpu.max' };
const PERIOD = { v1: 'cpu.cfs_period_us', v2: 'cpu.max' };
const CPUS = { v1: 'cpuset.cpus', v2: 'cpuset.cpus' };

interface Value {
  readonly options: Partial<ContainerOptions>;
  readonly controller: string;
  readonly file: { readonly v1: string; readonly v2: string };
  readonly v1: string;
  /** Undefined: version 2 has no such thing. */
  readonly v2: string | undefined;
}

/** Rows that are one file of one group. */
const values: Record<string, Value> = {
  'memory: with a unit': { options: { memory: '64m' }, controller: 'memory', file: MEMORY, v1: `${64 * MIB}`, v2: `${64 * MIB}` },
  'memory: in bytes': { options: { memory: 33554432 }, controller: 'memory', file: MEMORY, v1: '33554432', v2: '33554432' },
  'memoryReservation': { options: { memory: '64m', memoryReservation: '32m' }, controller: 'memory', file: SOFT, v1: `${32 * MIB}`, v2: `${32 * MIB}` },
  'memorySwappiness': { options: { memory: '64m', memorySwappiness: 7 }, controller: 'memory', file: SWAPPINESS, v1: '7', v2: undefined },
  'pids: given': { options: { pids: 50 }, controller: 'pids', file: PIDS, v1: '50', v2: '50' },
  'pids: 4096 by default': { options: {}, controller: 'pids', file: PIDS, v1: '4096', v2: '4096' },
  'cpus: half a core': { options: { cpus: 0.5 }, controller: 'cpu', file: QUOTA, v1: '50000', v2: '50000 100000' },
  'cpuQuota and cpuPeriod': { options: { cpuQuota: 30_000, cpuPeriod: 60_000 }, controller: 'cpu', file: PERIOD, v1: '60000', v2: '30000 60000' },
  'cpuShares': { options: { cpuShares: 512 }, controller: 'cpu', file: SHARES, v1: '512', v2: '59' },
  'cpusetCpus': { options: { cpusetCpus: '0' }, controller: 'cpuset', file: CPUS, v1: '0', v2: '0' },
  'cpusetMems': { options: { cpusetMems: '0' }, controller: 'cpuset', file: { v1: 'cpuset.mems', v2: 'cpuset.mems' }, v1: '0', v2: '0' },
};

optionCases(Object.fromEntries(Object.entries(values).map(([title, row]): [string, OptionCase] => {
  const version = versionOf(row.controller);
  const expected = version === 2 ? row.v2 : row.v1;
  return [title, {
    options: row.options,
    script: insideValue(row.controller, row.file),
    inside: expected ?? '',
    outside: (t, { pid }) => t.is(groupValue(pid, row.controller, row.file), expected ?? ''),
    ...((version === undefined || expected === undefined) && { unless: `this machine's cgroups have no ${row.controller}${version ? ' file of that kind' : ''}` }),
  }];
})));

e2e('memory: what does not fit is killed, and the exit says so', async (t, stage) => {
  const { exit, info } = await stage.through({ memory: '24m' }, 'probe eat 200');
  t.is(exit.exitCode, 137);
  t.true(exit.oomKilled);
  t.like(await stage.engine.containers.inspect({ container: info.id }), { state: 'exited', exit: { oomKilled: true } });
});

e2e('memory: what fits is left alone', async (t, stage) => {
  const { out, exit } = await stage.through({ memory: '64m' }, 'probe eat 20');
  t.is(out, 'ok');
  t.false(exit.oomKilled);
});

e2e('memorySwap: as memory by default, so there is no swap', async (t, stage) => {
  const { pid } = await stage.up({ memory: '32m' });
  const file = { v1: 'memory.memsw.limit_in_bytes', v2: 'memory.swap.max' };
  t.is(groupValue(pid, 'memory', file), versionOf('memory') === 2 ? '0' : `${32 * MIB}`);
  const more = await stage.up({ memory: '32m', memorySwap: '48m' });
  t.is(groupValue(more.pid, 'memory', file), versionOf('memory') === 2 ? `${16 * MIB}` : `${48 * MIB}`);
});

e2e('pids: the fork that is one too many fails', async (t, stage) => {
  const { out } = await stage.through({ pids: 20 }, 'exec probe forks 100');
  const [made, error] = out.split(' ');
  t.is(error, 'EAGAIN');
  t.true(Number(made) > 10 && Number(made) < 20, `${made} children`);
});

e2e('pids: -1 is none', async (t, stage) => {
  t.is((await stage.through({ pids: -1 }, 'exec probe forks 4200')).out, '4200 ok', 'more than the default allows');
});

e2e('cpus: a busy container is held back', async (t, stage) => {
  const { id, sh } = await stage.up({ cpus: 0.2 });
  const before = await stage.engine.containers.stats({ container: id });
  t.is((await sh('probe spin 1')).out, 'ok');
  const { cpu } = await stage.engine.containers.stats({ container: id });
  t.true(cpu.throttledPeriods > before.cpu.throttledPeriods);
  t.true(cpu.usageUsec - before.cpu.usageUsec < 700_000, `${cpu.usageUsec - before.cpu.usageUsec} us of a second`);
});

e2e('cpusetCpus: the process is allowed that one', async (t, stage) => {
  const { said, pid } = await stage.up({ cpusetCpus: '0' }, 'grep Cpus_allowed_list /proc/self/status | tr -d "\\t"');
  t.is(said, 'Cpus_allowed_list:0');
  t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /Cpus_allowed_list:\t0\n/);
});

e2e('hugepages: the group has the limit', async (t, stage) => {
  const { pid } = await stage.up({ hugepages: { '2MB': '4m' } });
  t.is(groupValue(pid, 'hugetlb', { v1: 'hugetlb.2MB.limit_in_bytes', v2: 'hugetlb.2MB.max' }), `${4 * MIB}`);
}, versionOf('hugetlb') === undefined ? { unless: 'no hugetlb controller' } : {});

e2e('update: new limits are in force at once, those left out stay', async (t, stage) => {
  const { id, pid, sh } = await stage.up({ memory: '64m', pids: 50 });
  await stage.engine.containers.update({ container: id, limits: { memory: '96m', cpus: 0.25 } });
  t.is(groupValue(pid, 'memory', MEMORY), `${96 * MIB}`);
  t.is(groupValue(pid, 'pids', PIDS), '50');
  t.regex(groupValue(pid, 'cpu', QUOTA), /^25000/);
  t.is((await sh(insideValue('memory', MEMORY))).out, `${96 * MIB}`);
});
