/** Containers of an ordinary user, through the SDK. */
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ociLayout, rootfs } from '../helpers/images.js';
import { asUser } from '../helpers/rootless.js';

const uid = process.getuid?.() ?? 0;
const forever = { command: ['sh', '-c', 'sleep 1000'] };

asUser('a folder as an image: root inside is the user outside', async (t, { sdk, folder }) => {
  const tree = join(folder, 'tree');
  cpSync(rootfs(), tree, { recursive: true, verbatimSymlinks: true });
  await using c = await sdk.run(`dir:${tree}`, forever);
  t.is(await c.$`id -u; id -g; touch /new; stat -c %u:%g /new; stat -c %u:%g /bin/probe`.text(), '0\n0\n0:0\n0:0\n');
  t.false(existsSync(join(tree, 'new')));
  const [, own] = (await c.$`cat /proc/self/uid_map`.text()).trim().split(/\s+/);
  t.is(Number(own), uid);
  const [first = 0] = await c.processes();
  t.is(statSync(`/proc/${first}`).uid, uid);
});

asUser('a layout is unpacked with its owners, and users of the image can be had', async (t, { sdk }) => {
  await using c = await sdk.run(ociLayout(), { ...forever, user: 'app' });
  t.is(await c.$`id -u; id -G; stat -c %u /home/app; stat -c %u /bin/busybox`.text(), '1000\n1000 2000\n1000\n0\n');
  // What the user has outside besides his own group must not open anything inside.
  t.is(await c.$({ user: '0:0' })`id -G`.text(), '0\n');
});

asUser('an image the user may not read is a fault of the machine, not of ours', async (t, { sdk, folder }) => {
  const layout = join(folder, 'layout');
  cpSync(ociLayout().split(':')[1] as string, layout, { recursive: true });
  chmodSync(join(layout, 'index.json'), 0);
  await t.throwsAsync(sdk.run(`oci:${layout}:latest`, forever), { code: 'E_IO', message: /index\.json.*EACCES/ });
});

asUser('devices, the file systems of the kernel, and a network that is loopback alone', async (t, { sdk }) => {
  await using c = await sdk.run(ociLayout(), forever);
  t.is(await c.$`echo lost > /dev/null; head -c 4 /dev/zero | wc -c; ls /sys/class/net; ls -d /proc/[0-9]* | wc -l; hostname | wc -c`.text().then((text) => text.split('\n').slice(0, 2).join()), '4,lo');
  for (const command of ['mknod /x c 1 5', 'mount -t tmpfs none /var', 'echo 1 > /proc/sys/kernel/panic', 'echo c > /proc/sysrq-trigger']) {
    t.not((await c.$`sh -c ${command}`.nothrow()).exitCode, 0, command);
  }
});

asUser('logs are followed to their end, and the code is told', async (t, { sdk }) => {
  await using c = await sdk.run(ociLayout(), { command: ['sh', '-c', 'seq 1 5000; sleep 0.1; echo last; exit 7'] });
  const lines: string[] = [];
  for await (const { line } of c.logs({ follow: true })) lines.push(line);
  t.is(lines.length, 5001);
  t.is(lines.at(-1), 'last');
  t.is((await c.output()).exitCode, 7);
});

asUser('all its processes are known, counted, signalled and killed', async (t, { sdk }) => {
  await using c = await sdk.run(ociLayout(), { command: ['sh', '-c', 'sleep 1000 & setsid sleep 1000 & i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; echo ready; exec sleep 1000'] });
  for await (const { line } of c.logs({ follow: true })) if (line === 'ready') break;
  const pids = await c.processes();
  t.is(pids.length, 3);
  const { cpu, memory, pids: tasks } = await c.stats();
  t.true(cpu.usageUsec > 0 && memory.usage > 0);
  t.is(tasks.current, 3);
  const stopped = await c.kill();
  t.is(stopped.exit.signal, 'SIGKILL');
  for (let i = 0; i < 100 && pids.some((pid) => existsSync(`/proc/${pid}`)); i++) await sleep(20);
  t.deepEqual(pids.filter((pid) => existsSync(`/proc/${pid}`)), []);
});

asUser('what needs root is refused with the way out', async (t, { sdk }) => {
  const cases = [{ namespaces: { user: 'private' } }, { user: '1000000' }] as const;
  for (const options of cases) await t.throwsAsync(sdk.run(ociLayout(), { ...forever, ...options }), { code: 'E_UNSUPPORTED' });
  t.deepEqual(await sdk.containers({ all: true }), []);
});

asUser('with a single id everything belongs to root, and nobody else can be had', async (t, { sdk, folder }) => {
  await using c = await sdk.run(ociLayout(), forever);
  t.is(await c.$`id -u; stat -c %u:%g /home/app; touch /home/app/x; stat -c %u /home/app/x; wc -l < /proc/self/uid_map`.text(), '0\n0:0\n0\n1\n');
  t.is(statSync(join(folder, 'root')).uid, uid);
  const error = await t.throwsAsync(sdk.run(ociLayout(), { ...forever, user: '1000' }), { code: 'E_UNSUPPORTED' });
  t.regex((error as Error & { hint: string }).hint, /subuid.*uidmap/);
  t.true(readdirSync(folder).includes('root'));
}, { rootless: { ids: 'single' } });

asUser('the machine\'s own root, as far as the user may read it, and nothing written reaches it', async (t, { sdk }) => {
  await using c = await sdk.run('host', forever);
  t.is(await c.$`id -u; touch /here /etc/here /usr/here /tmp/here && echo written`.text(), '0\nwritten\n');
  for (const path of ['/here', '/etc/here', '/usr/here', '/tmp/here']) t.false(existsSync(path), path);
  t.is(await c.$`cat /etc/shadow 2>/dev/null | wc -c; ls -A /home /root /boot | grep -v : | grep -c .`.nothrow().text(), '0\n0\n');
  await using r = await sdk.run('host', { ...forever, readonly: true });
  for (const path of ['/here', '/etc/here', '/usr/here']) t.not((await r.$`touch ${path}`.nothrow()).exitCode, 0, path);
});

asUser('the first command of the README', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['core/bin/core.mjs', 'run', 'scripts/examples/hello.plugin-set.json']);
  t.regex(stdout, /Hello from a container\.[^]*user +0:0[^]*wrote/);
});
