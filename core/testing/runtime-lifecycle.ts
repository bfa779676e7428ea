/** Cases of `runtime@1`: from create to remove, and what is refused on the way. Part of `runtime.ts`. */
import assert from 'node:assert/strict';
import type { CreateRequest } from '../contracts/index.js';
import { eventually, rejects } from './check.js';
import type { RuntimeSubject } from './runtime.js';

type Cases = Readonly<Record<string, (subject: RuntimeSubject) => Promise<void>>>;

const SLEEP = ['sleep', '1000'] as const;

export const lifecycleCases: Cases = {
  'a container is created, started, exits with its code and is removed': async ({ port, request }) => {
    const created = await port.create(request('life', ['sh', '-c', 'exit 3']));
    assert.equal(created.state, 'created');
    assert.equal(created.pid, undefined);
    const before = Date.now();
    const started = await port.start({ id: 'life' });
    assert.equal(started.id, 'life');
    assert.ok(started.pid > 1);
    const exit = await port.wait({ id: 'life' });
    assert.deepEqual([exit.exitCode, exit.signal, exit.oomKilled], [3, undefined, false]);
    assert.ok(exit.startedAt >= before - 1000 && exit.finishedAt >= exit.startedAt, 'times are in order');
    const status = await port.status({ id: 'life' });
    assert.deepEqual([status.state, status.pid, status.exit?.exitCode], ['exited', undefined, 3]);
    await port.remove({ id: 'life' });
    await rejects(port.status({ id: 'life' }), 'E_NOT_FOUND');
  },

  'create runs nothing': async ({ port, request }) => {
    await port.create(request('idle', SLEEP));
    assert.equal((await port.status({ id: 'idle' })).state, 'created');
    assert.deepEqual(await port.processes({ id: 'idle' }).catch(() => []), []);
  },

  'a running container says so, with its pid': async ({ port, request }) => {
    await port.create(request('run', SLEEP));
    const { pid } = await port.start({ id: 'run' });
    const status = await port.status({ id: 'run' });
    assert.deepEqual([status.state, status.pid, status.exit], ['running', pid, undefined]);
    assert.ok((await port.processes({ id: 'run' })).includes(pid));
  },

  'list has every container there is': async ({ port, request }) => {
    await port.create(request('one', SLEEP));
    await port.create(request('two', SLEEP));
    await port.start({ id: 'two' });
    const states = (await port.list({})).map(({ id, state }) => `${id} ${state}`);
    assert.deepEqual(states.sort(), ['one created', 'two running']);
  },

  'an id is taken until it is removed': async ({ port, request }) => {
    await port.create(request('taken', SLEEP));
    await rejects(port.create(request('taken', SLEEP)), 'E_EXISTS');
    await port.remove({ id: 'taken' });
    assert.equal((await port.create(request('taken', SLEEP))).state, 'created');
  },

  'of two that create the same id at once, one gets it': async ({ port, request }) => {
    const outcomes = await Promise.allSettled([port.create(request('race', SLEEP)), port.create(request('race', SLEEP))]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal((await port.list({})).length, 1);
  },

  'malformed ids are refused, and nothing is kept': async ({ port, request }) => {
    for (const id of ['', '.', '../up', 'a/b', '-a', 'a b', 'ü', 'a'.repeat(129)]) await rejects(port.create(request(id, SLEEP)), 'E_INVALID');
    assert.deepEqual(await port.list({}), []);
  },

  'a spec without a command is refused, and nothing is kept': async ({ port, request }) => {
    const good = request('empty', []);
    const { process: _process, ...spec } = good.spec;
    await rejects(port.create(good), 'E_INVALID');
    await rejects(port.create({ ...good, spec } as CreateRequest), 'E_INVALID');
    assert.deepEqual(await port.list({}), []);
  },

  'start of what is not there, or runs already, is refused': async ({ port, request }) => {
    await rejects(port.start({ id: 'nobody' }), 'E_NOT_FOUND');
    await port.create(request('once', SLEEP));
    await port.start({ id: 'once' });
    await rejects(port.start({ id: 'once' }), 'E_STATE');
    assert.equal((await port.status({ id: 'once' })).state, 'running');
  },

  'a command that does not exist fails the start, and the container can be removed': async ({ port, request }) => {
    await port.create(request('typo', ['/no/such/command']));
    await rejects(port.start({ id: 'typo' }), 'E_COMMAND');
    assert.equal((await port.status({ id: 'typo' })).pid, undefined);
    await port.remove({ id: 'typo' });
    assert.deepEqual(await port.list({}), []);
  },

  'what has exited may be started again': async ({ port, request }) => {
    await port.create(request('again', ['sh', '-c', 'exit 4']));
    for (let round = 0; round < 2; round++) {
      await port.start({ id: 'again' });
      assert.equal((await port.wait({ id: 'again' })).exitCode, 4);
    }
  },

  'wait settles at once for what has ended, and alike for all who wait': async ({ port, request }) => {
    await port.create(request('wait', SLEEP));
    await port.start({ id: 'wait' });
    const waiting = [port.wait({ id: 'wait' }), port.wait({ id: 'wait' })];
    await port.signal({ id: 'wait', signal: 'SIGKILL' });
    const exits = [...(await Promise.all(waiting)), await port.wait({ id: 'wait' })];
    for (const { exitCode, signal } of exits) assert.deepEqual([exitCode, signal], [137, 'SIGKILL']);
    await rejects(port.wait({ id: 'nobody' }), 'E_NOT_FOUND');
  },

  'aborting a wait ends the wait, not the container': async ({ port, request }) => {
    await port.create(request('abort', SLEEP));
    await port.start({ id: 'abort' });
    const controller = new AbortController();
    const waiting = port.wait({ id: 'abort' }, { signal: controller.signal });
    controller.abort();
    await rejects(waiting, 'E_ABORTED');
    assert.equal((await port.status({ id: 'abort' })).state, 'running');
  },

  'a signal to what is gone succeeds, one that does not exist is refused': async ({ port, request }) => {
    await port.signal({ id: 'nobody', signal: 'SIGTERM' });
    await port.create(request('gone', ['sh', '-c', 'exit 0']));
    await port.start({ id: 'gone' });
    await port.wait({ id: 'gone' });
    await port.signal({ id: 'gone', signal: 'SIGKILL' });
    await port.create(request('here', SLEEP));
    await port.start({ id: 'here' });
    await rejects(port.signal({ id: 'here', signal: 'SIGNONSENSE' }), 'E_INVALID');
    assert.equal((await port.status({ id: 'here' })).state, 'running');
  },

  'remove ends what runs, and whoever waited learns it': async ({ port, request }) => {
    await port.create(request('doomed', SLEEP));
    await port.start({ id: 'doomed' });
    const waiting = port.wait({ id: 'doomed' });
    await eventually(async () => (await port.status({ id: 'doomed' })).state === 'running', 'it runs');
    await port.remove({ id: 'doomed' });
    assert.equal((await waiting).exitCode, 137);
    assert.deepEqual(await port.list({}), []);
  },

  'remove is idempotent': async ({ port, request }) => {
    await port.remove({ id: 'never-was' });
    await port.create(request('twice', ['sh', '-c', 'exit 0']));
    await port.start({ id: 'twice' });
    await port.wait({ id: 'twice' });
    await Promise.all([port.remove({ id: 'twice' }), port.remove({ id: 'twice' })]);
    await port.remove({ id: 'twice' });
    assert.deepEqual(await port.list({}), []);
  },
};
