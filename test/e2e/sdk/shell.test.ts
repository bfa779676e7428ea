/** The SDK's `$` against real processes in real containers. */
import { existsSync } from 'node:fs';
import { isCoreError } from '#core/errors/index.js';
import { withContainers } from '../../helpers/real-kernel.js';

withContainers('a command runs inside, as the root of its own namespaces', async (t, { sdk }) => {
  await using c = await sdk.run('host', { hostname: 'inside', memory: '64m' });
  const [host, user, pids] = await c.$`hostname; id -u; ls -d /proc/[0-9]* | wc -l`.lines();
  t.is(host, 'inside');
  t.is(user, '0');
  t.true(Number(pids) < 10, `${pids} processes are seen inside`);
});

withContainers('what it writes is gone with it, and never was on the machine', async (t, { sdk, folder }) => {
  const mark = `/mark-${folder.split('/').at(-1)}`;
  await using c = await sdk.run('host');
  t.is(await c.$`echo kept > ${mark}; cat ${mark}`.text(), 'kept\n');
  t.false(existsSync(mark));
  t.is(await sdk.$`test -e ${mark}`.exitCode, 1);
});

withContainers('folder, environment and user are bound to the $', async (t, { sdk }) => {
  await using c = await sdk.run('host', { env: { FROM: 'container' } });
  const $ = c.$({ cwd: '/usr', env: { ADDED: 'a b' }, user: '65534:65534' });
  t.is(await $`echo "$PWD $FROM $ADDED $(id -u):$(id -g)"`.text(), '/usr container a b 65534:65534\n');
  t.is(await c.$`id -u`.text(), '0\n');
});

withContainers('every byte comes through, both ways', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 31) & 0xff));
  t.true((await c.$({ input: bytes })`cat`.bytes()).equals(bytes));
});

withContainers('a pipe between containers carries all of much more than fits into buffers', async (t, { sdk }) => {
  await using a = await sdk.run('host');
  await using b = await sdk.run('host');
  const sum = await a.$`seq 1 2000000 | tee /tmp/sent | sha256sum >/tmp/sum; cat /tmp/sent`.pipe(b.$`sha256sum`).text();
  t.is(sum, await a.$`cat /tmp/sum`.text());
});

withContainers('a reader that has enough ends the writer inside', async (t, { sdk }) => {
  await using a = await sdk.run('host');
  const before = (await a.processes()).length;
  t.is(await a.$`yes`.pipe(sdk.$`head -n 1`).text(), 'y\n');
  t.is((await a.processes()).length, before);
});

withContainers('an abort kills all the command started, and nothing else', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  const before = (await c.processes()).length;
  const other = c.$`sleep 0.5; echo survived`;
  const controller = new AbortController();
  const command = c.$({ signal: controller.signal })`sleep 60 & (sleep 61; true) & echo ready; wait`;
  const error = await t.throwsAsync(async () => {
    for await (const line of command) if (line === 'ready') controller.abort();
  });
  t.true(isCoreError(error, 'E_ABORTED'));
  t.is(await other.text(), 'survived\n');
  t.is((await c.processes()).length, before);
});

withContainers('what ignores SIGTERM gets SIGKILL at once when asked for', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  const error = await t.throwsAsync(async () => c.$({ timeout: '200ms', killSignal: 'SIGKILL' })`trap '' TERM; while :; do sleep 1; done`);
  t.true(isCoreError(error, 'E_TIMEOUT'));
});

withContainers('exit codes, signals and commands that are not there', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  t.is(await c.$`exit 42`.exitCode, 42);
  t.is((await c.$`kill -KILL $$`.nothrow()).signal, 'SIGKILL');
  t.is(await c.$`nosuchcommand`.exitCode, 127);
  t.true(isCoreError(await t.throwsAsync(async () => c.exec(['/nosuch'])), 'E_COMMAND'));
});

withContainers('arguments that are traps for a shell arrive as they are', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  const words = ["it's", '$(touch /tmp/owned)', '`id`', '"; rm -rf /tmp/x; "', '*', '', 'a\nb', '-n', '\\', '~', '$HOME', 'žluť'];
  t.is(await c.$`printf '%s\\0' ${words}`.text(), words.map((word) => `${word}\0`).join(''));
  t.is(await c.$`test -e /tmp/owned`.exitCode, 1);
});

withContainers('bash, where it is asked for', async (t, { sdk }) => {
  await using c = await sdk.run('host');
  t.is(await c.$({ shell: 'bash' })`echo {1..3}`.text(), '1 2 3\n');
}, { tools: ['bash'] });

withContainers('the top-level $ has limits of its own and leaves nothing', async (t, { sdk }) => {
  const limit = sdk.$({ memory: '48m', pids: 7 });
  t.is((await limit`cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true`.text()).trim(), String(48 * 1024 ** 2));
  t.not(await limit`for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done; wait`.exitCode, 0);
  t.deepEqual(await sdk.containers({ all: true }), []);
}, { cgroups: true });
