import { join } from 'node:path';
import test from 'ava';
import { isCoreError } from '#core/errors/index.js';
import { FakeMachine, runtimeFake } from '#runtime-fake/index.js';
import { boot, connect, CreatedContainer, RunningContainer, StoppedContainer, type Stats } from '#sdk/index.js';
import { milliseconds } from '#sdk/duration.js';
import { socketOf } from '#sdk/engine.js';
import { temporaryFolder } from '../helpers/folder.js';

async function booted(t: { teardown(fn: () => unknown): void }) {
  const folder = temporaryFolder(t);
  const sdk = await boot({ plugins: [runtimeFake(new FakeMachine())], root: join(folder, 'root'), runRoot: join(folder, 'run') });
  t.teardown(() => sdk.close());
  return { sdk, folder };
}

const SLEEP = { command: ['sleep', 'infinity'] };

test('created, running, stopped: each state is a type', async (t) => {
  const { sdk } = await booted(t);
  const created = await sdk.create('host', { name: 'c', ...SLEEP });
  t.true(created instanceof CreatedContainer);
  t.false('exec' in created);
  t.true((await sdk.container('c')) instanceof CreatedContainer);
  const running = await created.start();
  t.true(running instanceof RunningContainer);
  t.true((await sdk.container('c')) instanceof RunningContainer);
  const stopped = await running.stop();
  t.true(stopped instanceof StoppedContainer);
  t.false('exec' in stopped || '$' in stopped);
  t.is(stopped.exit.signal, 'SIGTERM');
  t.true((await sdk.container('c')) instanceof StoppedContainer);
  const again = await stopped.start();
  t.is((await again.inspect()).state, 'running');
});

test('without a command the container stays up for $', async (t) => {
  const { sdk } = await booted(t);
  await using c = await sdk.run('host', { entrypoint: ['cat'] });
  t.is((await c.inspect()).settings?.stdin, true);
  t.is(await c.exec(['echo', 'hello']).text(), 'hello\n');
});

test('await using removes it, also when it still runs', async (t) => {
  const { sdk } = await booted(t);
  {
    await using c = await sdk.run('host', SLEEP);
    t.deepEqual((await sdk.containers()).map(({ id }) => id), [c.id]);
  }
  t.deepEqual(await sdk.containers({ all: true }), []);
});

test('removing twice succeeds', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', SLEEP);
  await c.remove();
  await t.notThrowsAsync(c.remove());
});

test('output waits for the end and has both streams', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', { command: ['sh', '-c', 'echo out; echo err >&2; exit 3'] });
  const output = await c.output();
  t.is(output.exitCode, 3);
  t.is(output.stdout, 'out\n');
  t.is(output.stderr, 'err\n');
});

test('logs: all of them, a tail, and following until the end', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', { command: ['sh', '-c', 'echo one; sleep 0.1; echo two; sleep 0.1; printf three'] });
  const followed: string[] = [];
  for await (const { line, stream, time } of c.logs({ follow: true })) {
    t.is(stream, 'stdout');
    t.true(time instanceof Date && time.getTime() > 0);
    followed.push(line);
  }
  t.deepEqual(followed, ['one', 'two', 'three']);
  t.deepEqual(await c.logs().lines(), ['one', 'two', 'three']);
  t.deepEqual(await c.logs({ tail: 1 }).lines(), ['three']);
  t.is(await c.logs({ tail: 2 }).text(), 'two\nthree\n');
});

test('wait, kill, signal', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', SLEEP);
  const waiting = c.wait();
  await c.signal('SIGTERM');
  t.is((await waiting).exitCode, 143);
  const d = await sdk.run('host', SLEEP);
  t.is((await d.kill()).exit.signal, 'SIGKILL');
});

test('stop gives the grace it is told', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', { ...SLEEP, annotations: { 'fake.ignore-signals': 'SIGTERM' } });
  t.is((await c.stop({ grace: '20ms' })).exit.signal, 'SIGKILL');
});

test('pause, resume and update', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', { ...SLEEP, memory: '64m' });
  await c.pause();
  t.is((await c.inspect()).state, 'paused');
  t.true((await sdk.container(c.id)) instanceof RunningContainer);
  await c.resume();
  t.is((await c.inspect()).state, 'running');
  await c.update({ memory: '128m' });
  t.is((await c.inspect()).settings?.memory, 128 * 1024 ** 2);
});

test('stats once, and as they change until the end', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', SLEEP);
  t.is((await c.stats()).id, c.id);
  const readings: Stats[] = [];
  for await (const reading of c.watchStats({ interval: 10 })) {
    readings.push(reading);
    if (readings.length === 3) await c.kill();
  }
  t.is(readings.length, 3);
});

test('leaving watchStats early leaves the container alone', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', SLEEP);
  for await (const { id } of c.watchStats({ interval: 10 })) if (id) break;
  t.is((await c.inspect()).state, 'running');
});

test('attach gives the raw bytes, and feeds stdin', async (t) => {
  const { sdk } = await booted(t);
  const c = await sdk.run('host', { command: ['cat'], stdin: true });
  const seen: string[] = [];
  for await (const event of c.attach({ input: ['ping'] })) {
    if (event.type !== 'stdout') continue;
    seen.push(Buffer.from(event.data).toString());
    await c.kill();
  }
  t.deepEqual(seen, ['ping']);
});

test('the top-level one-liner leaves nothing', async (t) => {
  const { sdk } = await booted(t);
  t.is(await sdk.$`echo ${'it works'}`.text(), 'it works\n');
  t.deepEqual(await sdk.containers({ all: true }), []);
});

test('an aborted run leaves nothing', async (t) => {
  const { sdk } = await booted(t);
  const error = await t.throwsAsync(sdk.run('host', { ...SLEEP, timeout: 30, annotations: { 'fake.start-block-ms': '60000' } }));
  t.true(isCoreError(error, 'E_TIMEOUT') || isCoreError(error, 'E_ABORTED'), String(error));
  t.deepEqual(await sdk.containers({ all: true }), []);
});

test('images: bring, list, run, remove', async (t) => {
  const { sdk } = await booted(t);
  const image = await sdk.image('oci:./somewhere:latest', { name: 'mine' });
  t.true((await sdk.images()).some(({ id }) => id === image.id));
  const c = await image.run(SLEEP);
  t.is((await c.inspect()).imageId, image.id);
  await c.remove();
  await image.remove();
  t.false((await sdk.images()).some(({ id }) => id === image.id));
});

test('connect reaches the kernel at a socket and shares its containers', async (t) => {
  const { sdk } = await booted(t);
  const { root } = await (await sdk.engine()).system.ping({});
  t.truthy(root);
  const other = await connect({ path: join(root.replace('/root/ephemeral/', '/run/e/'), 'core.sock') });
  t.teardown(() => other.close());
  const c = await other.run('host', { name: 'shared', ...SLEEP });
  t.deepEqual((await sdk.containers()).map(({ name }) => name), ['shared']);
  t.is(await c.exec(['echo', 'x']).text(), 'x\n');
});

test('connect says so when nobody answers', async (t) => {
  const error = await t.throwsAsync(connect({ path: join(temporaryFolder(t), 'core.sock') }));
  t.true(isCoreError(error, 'E_UNREACHABLE'));
});

test('two sdks are two kernels', async (t) => {
  const [a, b] = [await booted(t), await booted(t)];
  await a.sdk.run('host', { name: 'only-here', ...SLEEP });
  t.deepEqual(await b.sdk.containers(), []);
});

const durations: Array<[Parameters<typeof milliseconds>[0], number]> = [[5, 5], [0, 0], ['250ms', 250], ['1.5s', 1500], ['2m', 120_000], ['1h', 3_600_000]];
for (const [duration, expected] of durations) test(`${duration} is ${expected} ms`, (t) => t.is(milliseconds(duration), expected));
for (const duration of [-1, Number.NaN, Infinity, '5', 's', '5 s', '-5s'] as never[]) {
  test(`${String(duration)} is no duration`, (t) => t.true(isCoreError(t.throws(() => milliseconds(duration)), 'E_INVALID')));
}

test('where the environment leads', (t) => {
  t.is(socketOf({}), undefined);
  t.is(socketOf({ CORE_SOCK: '/a' , CORE_HOST: 'unix:///b' }), '/a');
  t.is(socketOf({ CORE_HOST: 'unix:///b' }), '/b');
  t.true(isCoreError(t.throws(() => socketOf({ CORE_HOST: 'tcp://x' })), 'E_INVALID'));
});
