/** Limits of an ordinary user's containers: in force where groups are delegated, told of or refused where not. The tier runs these in both situations. */
import { join } from 'node:path';
import { ociLayout } from '../helpers/images.js';
import { versionOf } from '../helpers/cgroup.js';
import { asUser, isDelegated } from '../helpers/rootless.js';

const forever = { command: ['sh', '-c', 'sleep 1000'] };
const delegated = { lacking: isDelegated ? undefined : 'no cgroups are delegated to this user' };
const undelegated = { lacking: isDelegated ? 'cgroups are delegated to this user' : undefined };

asUser('what is not in force is told of: in the log once, and of each container', async (t, { sdk, warnings }) => {
  for (let i = 0; i < 2; i++) {
    await using c = await sdk.run(ociLayout(), { ...forever, memory: '64m', pids: 20 });
    t.true((await c.processes()).length > 0);
    t.deepEqual(c.unmet.map(({ wish }) => wish).sort(), ['memory', 'pids']);
    t.regex(c.unmet[0]?.hint ?? '', /Delegate=yes/);
    t.deepEqual((await c.inspect()).unmet, c.unmet);
  }
  t.is(warnings.filter((text) => /memory.* not in force.*Delegate=yes/.test(text)).length, 1);
}, undelegated);

asUser('or is refused, where that is wanted', async (t, { sdk }) => {
  const error = await t.throwsAsync(sdk.run(ociLayout(), { ...forever, memory: '64m' }), { code: 'E_UNSUPPORTED' });
  t.regex((error as Error & { hint: string }).hint, /Delegate=yes/);
  t.deepEqual(await sdk.containers({ all: true }), []);
}, { ...undelegated, rootless: { limits: 'refuse' } });

asUser('delegated: limits are in force, and there is nothing to tell', async (t, { sdk, warnings }) => {
  await using c = await sdk.run(ociLayout(), { ...forever, memory: '64m', pids: 20, cpus: 1 });
  t.deepEqual(c.unmet, []);
  t.deepEqual(warnings, []);
  const { memory, pids } = await c.stats();
  t.is(memory.limit, 64 * 1024 ** 2);
  t.is(pids.limit, 20);
  t.not(await c.$`head -c 128m /dev/zero | tail -n 1 >/dev/null`.exitCode, 0);
  t.not(await c.$`for i in $(seq 30); do sleep 5 & done; wait`.exitCode, 0);
  await c.update({ memory: '80m' });
  t.is((await c.stats()).memory.limit, 80 * 1024 ** 2);
  await c.pause();
  await c.resume();
}, { ...delegated, rootless: { limits: 'refuse' } });

asUser('delegated: the container sees its own groups and can change none of them (CVE-2023-25809)', async (t, { sdk }) => {
  await using c = await sdk.run(ociLayout(), { ...forever, memory: '64m' });
  // What such a runtime did: the group itself, bound in.
  const group = join(versionOf('memory') === 1 ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup', process.env['DELEGATED'] ?? '');
  await using weak = await sdk.run(ociLayout(), { ...forever, mounts: [{ type: 'bind', source: group, target: '/group' }] });
  t.is(await weak.$`mkdir /group/new && rmdir /group/new && echo changed`.text(), 'changed\n');
  const folder = versionOf('memory') === 1 ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
  const file = versionOf('memory') === 1 ? 'memory.limit_in_bytes' : 'memory.max';
  t.is(await c.$`cat ${folder}/${file}`.text(), `${64 * 1024 ** 2}\n`);
  for (const options of [{}, { namespaces: { cgroup: 'host' } }] as const) {
    await using d = await sdk.run(ociLayout(), { ...forever, memory: '64m', ...options });
    const tried = await d.$`for f in $(find /sys/fs/cgroup -type d); do mkdir $f/new && echo made $f; done; for f in $(find /sys/fs/cgroup -type f -perm -200); do (echo 0 > $f) && echo wrote $f; done; mount -o remount,rw ${folder} && echo remounted`.nothrow();
    t.is(tried.stdout, '');
  }
}, delegated);
