/** Containers that another engine made by way of the runtime's command: listed beside ours, reached by the same operations, never taken for ours. */
import test, { type ExecutionContext } from 'ava';
import type { CoreError } from '#core/errors/index.js';
import { Images, Runtime, type ForeignContainer, type RuntimeStatus } from '#core/contracts/index.js';
import { createFakeImages, createFakeRuntime, type FakeImageStore, type FakeMachine } from '#runtime-fake/index.js';
import { definePlugin } from '#core/plugin.js';
import { collect, testBed } from '../../helpers/kernel.js';

const ID = 'f'.repeat(64);
const foreign: ForeignContainer = { bundle: '/b', rootfs: '/b/rootfs', command: ['serve'], createdAt: 5, labels: { from: 'elsewhere' } };

interface Outside {
  readonly asked: string[];
  readonly statuses: Map<string, RuntimeStatus>;
}

/** The fake runtime, which knows of further containers and writes down what is asked of them. */
async function bed(t: ExecutionContext, states: Readonly<Record<string, RuntimeStatus['state']>>, failures = {}) {
  const outside: Outside = { asked: [], statuses: new Map(Object.entries(states).map(([id, state]) => [id, { id, state, foreign }])) };
  const drivers = (machine: FakeMachine, images: FakeImageStore) => definePlugin({
    name: 'with-foreign',
    version: '0.0.0',
    api: 1,
    provides: { runtime: Runtime, images: Images },
    permissions: [],
    setup: async () => ({ runtime: withOutside(createFakeRuntime({ failures }, machine), outside), images: createFakeImages({}, images) }),
  });
  return { ...(await testBed(t, { drivers })), outside };
}

function withOutside(own: Runtime, { asked, statuses }: Outside): Runtime {
  const note = <T>(verb: string, id: string, answer: T): T => {
    asked.push(`${verb} ${id}`);
    return answer;
  };
  return {
    ...own,
    list: async () => [...(await own.list({})), ...statuses.values()],
    status: async ({ id }, call) => (statuses.has(id) ? { ...(statuses.get(id) as RuntimeStatus), foreign: { ...foreign, spec: { ociVersion: '1.2.0' } } } : own.status({ id }, call)),
    signal: async (request, call) => {
      const { id, signal } = request;
      if (!statuses.has(id)) return own.signal(request, call);
      note(`signal ${signal}`, id, undefined);
      if (signal === 'SIGKILL') statuses.set(id, { id, state: 'exited', foreign });
    },
    pause: async ({ id }, call) => (statuses.has(id) ? note('pause', id, undefined) : own.pause({ id }, call)),
    remove: async ({ id }, call) => (statuses.has(id) ? note('remove', id, undefined) : own.remove({ id }, call)),
    wait: async ({ id }, call) => {
      while (statuses.has(id) && statuses.get(id)?.state !== 'exited') {
        call?.signal?.throwIfAborted();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return statuses.has(id) ? { exitCode: 255, oomKilled: false, reason: 'foreign', startedAt: 5, finishedAt: 6 } : own.wait({ id }, call);
    },
    exec: async function* ({ id, args }) {
      // Only ever asked for theirs here.
      yield note(`exec ${args.join(' ')}`, id, { type: 'exit', exitCode: 0 } as const);
    },
  };
}

const code = async (t: ExecutionContext, work: Promise<unknown>): Promise<string> => (await t.throwsAsync<CoreError>(work)).code;

test('they are listed with ours, by label and state as ours are', async (t) => {
  const { kernel } = await bed(t, { [ID]: 'running', gone: 'exited' });
  const { containers } = kernel.engine;
  await containers.run({ image: 'host', name: 'own', command: ['sleep', 'infinity'] });
  t.deepEqual((await containers.list({})).map(({ name, foreign: theirs = false }) => [name, theirs]), [['own', false], ['f'.repeat(12), true]]);
  t.deepEqual((await containers.list({ all: true })).map(({ name }) => name), ['own', 'f'.repeat(12), 'gone']);
  const [listed, ...more] = await containers.list({ labels: { from: 'elsewhere' } });
  t.deepEqual(more, []);
  t.like(listed, { id: ID, image: '/b/rootfs', command: ['serve'], createdAt: 5, state: 'running' });
  t.like(await containers.inspect({ container: 'fff' }), { id: ID, spec: { ociVersion: '1.2.0' } });
});

test('operations reach them by id, name and prefix', async (t) => {
  const { kernel, outside } = await bed(t, { [ID]: 'running', webshop: 'running', website: 'exited' });
  const { containers } = kernel.engine;
  await containers.pause({ container: 'ffff' });
  await containers.kill({ container: ID, signal: 'SIGHUP' });
  t.deepEqual(await collect(containers.exec({ container: 'f'.repeat(12), args: ['true'] })), [{ type: 'exit', exitCode: 0 }]);
  t.deepEqual(outside.asked.splice(0), [`pause ${ID}`, `signal SIGHUP ${ID}`, `exec true ${ID}`]);
  t.is(await code(t, containers.pause({ container: 'webs' })), 'E_INVALID');
  t.is(await code(t, containers.kill({ container: 'website' })), 'E_STATE');
  t.is(await code(t, containers.pause({ container: 'nope' })), 'E_NOT_FOUND');
  t.is(await code(t, collect(containers.exec({ container: 'nope', args: ['true'] }))), 'E_NOT_FOUND');
  t.deepEqual(outside.asked, []);
});

test('stop asks, and kills when nothing comes of it', async (t) => {
  const { kernel, outside } = await bed(t, { [ID]: 'running' });
  t.like(await kernel.engine.containers.stop({ container: ID, timeout: 0.05 }), { reason: 'foreign' });
  t.deepEqual(outside.asked, [`signal SIGTERM ${ID}`, `signal SIGKILL ${ID}`]);
  t.like(await kernel.engine.containers.stop({ container: ID }), { reason: 'foreign' });
  t.is(outside.asked.length, 2, 'one that has ended is not signalled');
});

test('a name of ours is ours, and the end of a kernel is none of theirs', async (t) => {
  const { kernel, outside } = await bed(t, { own: 'running' });
  const { containers } = kernel.engine;
  await containers.run({ image: 'host', name: 'own', command: ['sleep', 'infinity'] });
  await containers.remove({ container: 'own', force: true });
  t.deepEqual(outside.asked, [], 'with ours gone the name would mean theirs');
  await kernel.close();
  t.deepEqual(outside.asked, []);
});

test('a runtime that does not tell of them hides none of ours', async (t) => {
  const { kernel } = await bed(t, {}, { list: 'E_IO' });
  const { containers } = kernel.engine;
  await containers.run({ image: 'host', name: 'own', command: ['sleep', 'infinity'] });
  t.is((await containers.list({})).length, 1);
  t.is(await code(t, containers.inspect({ container: 'nope' })), 'E_NOT_FOUND');
});
