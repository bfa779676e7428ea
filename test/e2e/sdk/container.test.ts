/** The SDK's verbs against real containers. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isCoreError } from '#core/errors/index.js';
import { imageTools, ociLayout } from '../../helpers/images.js';
import { withContainers } from '../../helpers/real-kernel.js';

withContainers('logs that are followed miss no line', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'seq 1 20000; sleep 0.2; seq 20001 25000; printf unfinished'] });
  const lines: string[] = [];
  for await (const { line } of c.logs({ follow: true })) lines.push(line);
  t.is(lines.length, 25_001);
  t.true(lines.slice(0, -1).every((line, index) => line === String(index + 1)));
  t.is(lines.at(-1), 'unfinished');
});

withContainers('output of the command itself, with its code', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'echo out; echo err >&2; exit 9'] });
  const output = await c.output();
  t.is(output.stdout, 'out\n');
  t.is(output.stderr, 'err\n');
  t.is(output.exitCode, 9);
});

withContainers('stop asks first, kill does not', async (t, { sdk }) => {
  const polite = { command: ['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'] };
  await using a = await sdk.run('host', polite);
  for await (const { line } of a.logs({ follow: true })) if (line === 'ready') break;
  t.is((await a.stop({ grace: '5s' })).exitCode, 3);
  await using b = await sdk.run('host', polite);
  t.is((await b.kill()).exit.signal, 'SIGKILL');
});

withContainers('what is paused does nothing', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.02; done'] });
  for await (const { line } of c.logs({ follow: true })) if (line === '3') break;
  await c.pause();
  const lines = (await c.logs().lines()).length;
  await setTimeout(200);
  t.is((await c.logs().lines()).length, lines);
  await c.resume();
  let last = 0;
  for await (const { line } of c.logs({ follow: true })) {
    last = Number(line);
    if (last > lines + 1) break;
  }
  t.true(last > lines + 1, 'it goes on');
}, { cgroups: true });

withContainers('a limit that is changed holds at once', async (t, { sdk }) => {
  await using c = await sdk.run('host', { memory: '64m' });
  await c.update({ memory: '32m' });
  t.is((await c.stats()).memory.limit, 32 * 1024 ** 2);
  const output = await c.$`head -c 64m /dev/zero | tail -n 1 >/dev/null`.nothrow();
  t.not(output.exitCode, 0);
}, { cgroups: true });

withContainers('stats tell what the container uses, and end with it', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'], memory: '64m' });
  let last = 0;
  let count = 0;
  for await (const { cpu, memory, pids } of c.watchStats({ interval: 50 })) {
    count++;
    t.true(cpu.usageUsec >= last && memory.usage > 0 && pids.current >= 1);
    last = cpu.usageUsec;
  }
  t.true(count >= 1 && last > 0);
});

withContainers('attach has the bytes as they come, and stdin', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'read -r line; echo "got $line"'], stdin: true });
  const events: string[] = [];
  for await (const event of c.attach({ input: 'something\n' })) events.push(event.type === 'stdout' ? Buffer.from(event.data).toString() : event.type);
  t.is(events.filter((event) => event !== 'exit').join(''), 'got something\n');
  t.is(events.at(-1), 'exit');
});

withContainers('a pid inside and its pid on the machine are the same process', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sleep', '60'] });
  const { pid } = await c.inspect();
  // The kernel tells of an execve before the new arguments can be read.
  for (let tries = 0; tries < 100 && readFileSync(`/proc/${pid}/cmdline`).length === 0; tries++) await setTimeout(10);
  t.is(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x0060\0');
  t.deepEqual(await c.processes(), [pid]);
});

withContainers('a container that was stopped starts again with what it had written', async (t, { sdk }) => {
  await using c = await sdk.run('host', { command: ['sh', '-c', 'cat /kept 2>/dev/null; echo before >> /kept; sleep 60'] });
  while ((await c.$`cat /kept`.nothrow()).stdout === '') await setTimeout(20);
  const again = await (await c.kill()).start();
  for await (const { line } of again.logs({ follow: true })) {
    t.is(line, 'before');
    break;
  }
});

withContainers('an OCI image: brought once with progress, run, used, removed', async (t, { sdk }) => {
  const phases = new Set<string>();
  const image = await sdk.image(ociLayout(), { name: 'busybox:test', onProgress: ({ phase }) => void phases.add(phase) });
  t.true(phases.size > 0);
  t.true((await sdk.images()).some(({ names }) => names.includes('busybox:test')));
  {
    await using c = await image.run({ memory: '64m' });
    t.is(await c.$`busybox | head -n 1 | cut -d ' ' -f 1`.text(), 'BusyBox\n');
    const words = ["it's", '$(id)', 'a\nb', ''];
    t.is(await c.$`printf '%s|' ${words}`.text(), words.map((word) => `${word}|`).join(''));
    t.true(isCoreError(await t.throwsAsync(image.remove()), 'E_IN_USE'));
  }
  t.is(await sdk.$({ image: 'busybox:test' })`echo by name`.text(), 'by name\n');
  await image.remove();
  t.false((await sdk.images()).some(({ names }) => names.includes('busybox:test')));
}, { tools: imageTools.oci });
