/** Cases of `runtime@1`: pause, limits, events, and what a restart of the kernel needs. Part of `runtime.ts`. */
import assert from 'node:assert/strict';
import type { ContainerSettings, RuntimeEvent } from '../contracts/index.js';
import { collect, rejects } from './check.js';
import type { RuntimeSubject } from './runtime.js';

type Cases = Readonly<Record<string, (subject: RuntimeSubject) => Promise<void>>>;

const SLEEP = ['sleep', '1000'] as const;

export const upkeepCases: Cases = {
  'a container is paused and resumed, and the state is minded': async (subject) => {
    const { port } = subject;
    await running(subject, 'pause');
    await rejects(port.resume({ id: 'pause' }), 'E_STATE');
    await port.pause({ id: 'pause' });
    assert.equal((await port.status({ id: 'pause' })).state, 'paused');
    await rejects(port.pause({ id: 'pause' }), 'E_STATE');
    await rejects(port.exec({ id: 'pause', args: ['true'] }), 'E_STATE');
    await port.resume({ id: 'pause' });
    assert.equal((await port.status({ id: 'pause' })).state, 'running');
    await rejects(port.pause({ id: 'nobody' }), 'E_NOT_FOUND');
  },

  'a paused container can be removed': async (subject) => {
    const { port } = subject;
    await running(subject, 'frozen');
    await port.pause({ id: 'frozen' });
    await port.remove({ id: 'frozen' });
    assert.deepEqual(await port.list({}), []);
  },

  'limits change while it runs, and the stats show them': async (subject) => {
    const { port } = subject;
    await running(subject, 'limits');
    await port.update({ id: 'limits', resources: { memory: { limit: 64 * 1024 * 1024 }, pids: { limit: 50 } } });
    const stats = await port.stats({ id: 'limits' });
    assert.equal(stats.id, 'limits');
    assert.deepEqual([stats.memory.limit, stats.pids.limit], [64 * 1024 * 1024, 50]);
    assert.ok(stats.pids.current >= 1);
    assert.ok(Math.abs(stats.time - Date.now()) < 60_000);
    await rejects(port.stats({ id: 'nobody' }), 'E_NOT_FOUND');
  },

  'events tell of start, pause, exit and removal, in order': async ({ port, request }) => {
    const controller = new AbortController();
    const events = port.events({}, { signal: controller.signal })[Symbol.asyncIterator]();
    const first = events.next();
    await port.create(request('news', SLEEP));
    await port.start({ id: 'news' });
    await port.pause({ id: 'news' });
    await port.resume({ id: 'news' });
    await port.signal({ id: 'news', signal: 'SIGKILL' });
    await port.wait({ id: 'news' });
    await port.remove({ id: 'news' });
    const seen: RuntimeEvent[] = [(await first).value as RuntimeEvent];
    while (seen.at(-1)?.type !== 'removed') seen.push((await events.next()).value as RuntimeEvent);
    assert.deepEqual(seen.map(({ type, id }) => `${id} ${type}`), ['started', 'paused', 'resumed', 'exited', 'removed'].map((type) => `news ${type}`));
    assert.equal(seen.find(({ type }) => type === 'exited')?.exit?.exitCode, 137);
    controller.abort();
    await rejects(events.next(), 'E_ABORTED');
  },

  'reconcile keeps what is alive and removes all else': async (subject) => {
    const { port, request } = subject;
    await running(subject, 'keep');
    await running(subject, 'drop');
    await port.create(request('idle', SLEEP));
    const kept = await port.reconcile({ alive: ['keep', 'never-was'] });
    assert.deepEqual(kept.map(({ id, state }) => `${id} ${state}`), ['keep running']);
    assert.deepEqual((await port.list({})).map(({ id }) => id), ['keep']);
  },

  'another instance adopts what runs, and learns how the rest ended': async (subject) => {
    const { port, restart, request } = subject;
    if (!restart) return;
    await running(subject, 'lives');
    await port.create(request('ended', ['sh', '-c', 'echo bye; exit 9']));
    await port.start({ id: 'ended' });
    await port.wait({ id: 'ended' });
    const next = await restart();
    const kept = await next.reconcile({ alive: ['lives', 'ended'] });
    assert.deepEqual(kept.map(({ id, state }) => `${id} ${state}`).sort(), ['ended exited', 'lives running']);
    assert.equal((await next.wait({ id: 'ended' })).exitCode, 9);
    assert.deepEqual((await collect(next.logs({ id: 'ended' }))).map(({ line }) => line), ['bye']);
    await next.signal({ id: 'lives', signal: 'SIGKILL' });
    assert.equal((await next.wait({ id: 'lives' })).signal, 'SIGKILL');
    await next.remove({ id: 'lives' });
    await next.remove({ id: 'ended' });
  },

  'spec puts the settings on top of the image': async ({ port }) => {
    const image = { cmd: ['image-command'], env: ['A=image', 'B=image'], workingDir: '/srv' };
    const fromImage = await port.spec({ id: 'spec', settings, image });
    assert.deepEqual([fromImage.process?.args, fromImage.process?.cwd], [['image-command'], '/srv']);
    const own = await port.spec({ id: 'spec', settings: { ...settings, command: ['own'], env: { B: 'own' }, cwd: '/tmp', annotations: { 'org.example': 'x' } }, image });
    assert.deepEqual([own.process?.args, own.process?.cwd, own.annotations?.['org.example']], [['own'], '/tmp', 'x']);
    assert.ok(own.process?.env?.includes('A=image'));
    assert.equal(own.process?.env?.filter((line) => line.startsWith('B=')).at(-1), 'B=own');
    await rejects(port.spec({ id: 'spec', settings, image: {} }), 'E_INVALID');
  },
};

const settings: ContainerSettings = {
  image: 'any', shmSize: 64 * 1024 * 1024, rlimits: [], mounts: [], log: { maxBytes: 1 << 20, maxFiles: 1 }, network: 'none', stopTimeout: 10, pids: 100,
};

async function running({ port, request }: RuntimeSubject, id: string): Promise<void> {
  await port.create(request(id, SLEEP));
  await port.start({ id });
}
