import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CoreError } from '#core/errors/index.js';
import type { CreateRequest, LogEntry } from '#core/contracts/index.js';
import { validate } from '#core/kernel/index.js';
import { config } from '#runtime-fake/config.js';
import { createFakeImages, createFakeRuntime } from '#runtime-fake/index.js';

function request(annotations: Record<string, string> = {}, args = ['sleep', '1000']): CreateRequest {
  return {
    id: 'c',
    spec: { ociVersion: '1.2.0', process: { args, cwd: '/', user: { uid: 0, gid: 0 } }, annotations },
    rootfs: { kind: 'folder', path: '/nonexistent' },
  };
}

test('a start fails as it was told to, once per annotation', async (t) => {
  const runtime = createFakeRuntime({ startError: 'E_IO' });
  await runtime.create(request({ 'fake.start-error': 'E_SETUP' }));
  await t.throwsAsync(runtime.start({ id: 'c' }), { code: 'E_SETUP' });
  t.is((await runtime.status({ id: 'c' })).state, 'created');
  await runtime.remove({ id: 'c' });
  await runtime.create(request());
  await t.throwsAsync(runtime.start({ id: 'c' }), { code: 'E_IO' });
});

test('a start blocks, and an abort ends it without a trace', async (t) => {
  const runtime = createFakeRuntime();
  await runtime.create(request({ 'fake.start-block-ms': '100000' }));
  const controller = new AbortController();
  const starting = runtime.start({ id: 'c' }, { signal: controller.signal });
  await t.throwsAsync(runtime.start({ id: 'c' }), { code: 'E_STATE', message: /starting/ });
  controller.abort();
  await t.throwsAsync(starting, { code: 'E_ABORTED' });
  t.is((await runtime.status({ id: 'c' })).state, 'created');
});

test('output, exit code and time are scripted', async (t) => {
  const runtime = createFakeRuntime({ output: 'from the config' });
  await runtime.create(request({ 'fake.exit-after-ms': '5', 'fake.exit-code': '42', 'fake.output': 'ready' }));
  await runtime.start({ id: 'c' });
  t.like(await runtime.wait({ id: 'c' }), { exitCode: 42, oomKilled: false });
  const lines: LogEntry[] = [];
  for await (const entry of runtime.logs({ id: 'c' })) lines.push(entry);
  t.deepEqual(lines.map(({ line }) => line), ['ready']);
});

test('an OOM kill is told by event and exit', async (t) => {
  const runtime = createFakeRuntime();
  const events = runtime.events({})[Symbol.asyncIterator]();
  const first = events.next();
  await runtime.create(request({ 'fake.oom': 'true', 'fake.exit-after-ms': '0' }));
  await runtime.start({ id: 'c' });
  t.like(await runtime.wait({ id: 'c' }), { exitCode: 137, signal: 'SIGKILL', oomKilled: true });
  t.deepEqual([(await first).value?.type, (await events.next()).value?.type, (await events.next()).value?.type], ['started', 'oom', 'exited']);
});

test('signals can be ignored, but for SIGKILL', async (t) => {
  const runtime = createFakeRuntime();
  await runtime.create(request({ 'fake.ignore-signals': 'SIGTERM, SIGINT' }));
  await runtime.start({ id: 'c' });
  await runtime.signal({ id: 'c', signal: 'SIGTERM' });
  await runtime.signal({ id: 'c', signal: 'SIGINT' });
  await sleep(5);
  t.is((await runtime.status({ id: 'c' })).state, 'running');
  await runtime.signal({ id: 'c', signal: 'SIGKILL' });
  t.is((await runtime.wait({ id: 'c' })).signal, 'SIGKILL');
});

test('any method fails on demand', async (t) => {
  const runtime = createFakeRuntime({ failures: { remove: 'E_IO', exec: 'E_EXECUTOR' } });
  await runtime.create(request());
  await runtime.start({ id: 'c' });
  await t.throwsAsync(runtime.remove({ id: 'c' }), { code: 'E_IO' });
  await t.throwsAsync(async () => { for await (const _ of runtime.exec({ id: 'c', args: ['true'] })); }, { code: 'E_EXECUTOR' });
  await t.throwsAsync(createFakeImages({ failures: { mount: 'E_IO' } }).mount({ id: 'host', owner: 'c' }), { code: 'E_IO' });
});

for (const [annotation, value] of [['fake.start-error', 'NONSENSE'], ['fake.exit-code', 'many'], ['fake.exit-after-ms', '-1'], ['fake.typo', '1']] as const) {
  test(`annotation ${annotation}=${value} is refused by name`, async (t) => {
    const error = await t.throwsAsync<CoreError>(createFakeRuntime().create(request({ [annotation]: value })), { code: 'E_INVALID' });
    t.is(error?.issues[0]?.path, `spec.annotations["${annotation}"]`);
  });
}

const malformed: ReadonlyArray<readonly [unknown, string]> = [
  [{ startError: 'NONSENSE' }, 'config.startError'],
  [{ exitCode: 300 }, 'config.exitCode'],
  [{ startBlockMs: -1 }, 'config.startBlockMs'],
  [{ failures: { remove: 'oops' } }, 'config.failures.remove'],
  [{ images: { missing: { x: 'oops' } } }, 'config.images.missing.x'],
];
for (const [value, path] of malformed) {
  test(`config fault at ${path}`, async (t) => {
    const error = await t.throwsAsync<CoreError>(validate(config, value, 'config'), { code: 'E_INVALID' });
    t.deepEqual(error?.issues.map((issue) => issue.path), [path]);
  });
}

test('a paused container does nothing until it is resumed', async (t) => {
  const runtime = createFakeRuntime();
  await runtime.create(request({}, ['sh', '-c', 'sleep 0.01; echo late']));
  await runtime.start({ id: 'c' });
  await runtime.pause({ id: 'c' });
  await sleep(40);
  t.is((await runtime.status({ id: 'c' })).state, 'paused');
  await runtime.resume({ id: 'c' });
  t.is((await runtime.wait({ id: 'c' })).exitCode, 0);
});

test('a reader of events that lags is ended with E_PROTOCOL, not fed with gaps', async (t) => {
  const runtime = createFakeRuntime();
  const events = runtime.events({})[Symbol.asyncIterator]();
  const first = events.next();
  await runtime.create(request({}, ['true']));
  for (let i = 0; i < 1100; i++) {
    await runtime.start({ id: 'c' });
    await runtime.wait({ id: 'c' });
  }
  t.is((await first).value?.type, 'started');
  await t.throwsAsync(async () => { for (;;) if ((await events.next()).done) break; }, { code: 'E_PROTOCOL' });
});
