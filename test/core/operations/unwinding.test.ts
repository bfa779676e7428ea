import test, { type ExecutionContext } from 'ava';
import { definePlugin, type Plugin } from '@core/core/plugin';
import { CoreError } from '#core/errors/index.js';
import type { Engine } from '#core/contracts/index.js';
import { createFakeImages, createFakeRuntime, type FakeImageStore, type FakeMachine } from '#runtime-fake/index.js';
import { instrumentedDrivers, type Around } from '../../helpers/instrument.js';
import { stateOf, testBed, type TestBed } from '../../helpers/kernel.js';

const options = { image: 'oci:/app:1', command: ['sleep', 'infinity'], name: 'web' };

/** What a run asks of the drivers, in order. A wrong order would be a wrong engine. */
const RUN_STEPS = ['image.inspect', 'image.ensure', 'runtime.spec', 'image.mount', 'runtime.create', 'runtime.start'];

interface Probe {
  readonly bed: TestBed;
  /** Set before the operation under test; called around each of its steps. */
  around: Around;
}

async function makeProbe(t: ExecutionContext, plugins: readonly Plugin[] = []): Promise<Probe> {
  const probe: { around: Around } = { around: () => {} };
  const drivers = (machine: FakeMachine, images: FakeImageStore) =>
    instrumentedDrivers(createFakeRuntime({}, machine), createFakeImages({}, images), (step, phase) => probe.around(step, phase));
  const bed = await testBed(t, { drivers, plugins });
  return Object.assign(probe, { bed });
}

/** Nothing is left of the failed operation, and the same can be asked for again. */
async function assertNothingLeft(t: ExecutionContext, probe: Probe): Promise<void> {
  const { bed } = probe;
  probe.around = () => {};
  t.is(bed.machine.containers.size, 0, 'in the runtime');
  t.is(bed.images.leases.size, 0, 'in the image store');
  t.deepEqual(await bed.kernel.engine.containers.list({ all: true }), [], 'in the registry');
  await t.notThrowsAsync(bed.kernel.engine.containers.run(options), 'the name is free again');
  await bed.kernel.engine.containers.remove({ container: 'web', force: true });
  await bed.kernel.close();
  t.deepEqual(await stateOf(bed.root), { containers: [], intents: [] }, 'in the state store');
}

test('a run takes these steps', async (t) => {
  const probe = await makeProbe(t);
  const steps: string[] = [];
  probe.around = (step, phase) => {
    if (phase === 'before') steps.push(step);
  };
  await probe.bed.kernel.engine.containers.run(options);
  t.deepEqual(steps.slice(0, RUN_STEPS.length), RUN_STEPS);
});

const operations: Array<[name: string, operate: (engine: Engine, signal?: AbortSignal) => Promise<unknown>, steps: readonly string[]]> = [
  ['run', (engine, signal) => engine.containers.run(options, { signal }), RUN_STEPS],
  ['create', (engine, signal) => engine.containers.create(options, { signal }), RUN_STEPS.slice(0, -1)],
];

for (const [name, operate, steps] of operations) {
  for (const failing of steps) {
    for (const phase of ['before', 'after'] as const) {
      // Of an image that is not stored there is no after.
      if (failing === 'image.inspect' && phase === 'after') continue;
      test(`${name}: nothing is left when ${failing} fails ${phase} it was done`, async (t) => {
        const probe = await makeProbe(t);
        probe.around = (step, now) => {
          if (step === failing && now === phase) throw new CoreError('E_IO', { message: 'disk full' });
        };
        const error = await t.throwsAsync<CoreError>(operate(probe.bed.kernel.engine));
        t.is(error.code, 'E_IO');
        t.deepEqual(error.issues, []);
        await assertNothingLeft(t, probe);
      });
    }

    test(`${name}: nothing is left when it is aborted in ${failing}`, async (t) => {
      const probe = await makeProbe(t);
      const abort = new AbortController();
      probe.around = (step, phase) => {
        if (step === failing && phase === 'before') abort.abort();
      };
      const error = await t.throwsAsync<CoreError>(operate(probe.bed.kernel.engine, abort.signal));
      t.is(error.code, 'E_ABORTED');
      await assertNothingLeft(t, probe);
    });
  }
}

/** A plugin whose tap of one hook fails the first time. */
function spoiler(hook: 'admit' | 'spec' | 'assemble' | 'started'): Plugin {
  let spoiled = false;
  const spoil = (): undefined => {
    if (spoiled) return undefined;
    spoiled = true;
    throw new Error('spoiled');
  };
  return definePlugin({
    name: 'spoiler',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:container.*'],
    setup({ hooks: { container } }) {
      if (hook === 'admit') container.admit.tap({}, spoil);
      if (hook === 'spec') container.spec.tap({}, spoil);
      if (hook === 'assemble') container.assemble.tap({}, spoil);
      if (hook === 'started') container.started.tap({}, spoil);
    },
  });
}

for (const hook of ['admit', 'spec', 'assemble', 'started'] as const) {
  test(`run: nothing is left when a tap of container.${hook} throws`, async (t) => {
    const probe = await makeProbe(t, [spoiler(hook)]);
    const error = await t.throwsAsync<CoreError>(probe.bed.kernel.engine.containers.run(options));
    t.is(error.code, 'E_HOOK');
    t.regex(error.step ?? '', new RegExp(`container\\.${hook} \\(spoiler\\)`));
    await assertNothingLeft(t, probe);
  });
}

test('a refusal of container.admit is the error, in its own words', async (t) => {
  const gate = definePlugin({
    name: 'gate',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:container.admit'],
    setup: ({ hooks }) => void hooks.container.admit.tap({}, ({ settings }) => (settings.privileged ? { reason: 'Privileged containers are not run here.' } : undefined)),
  });
  const { kernel, machine } = await testBed(t, { plugins: [gate] });
  const error = await t.throwsAsync<CoreError>(kernel.engine.containers.run({ ...options, privileged: true }));
  t.is(error.code, 'E_REFUSED');
  t.is(error.message, 'Privileged containers are not run here.');
  t.is(machine.containers.size, 0);
  await t.notThrowsAsync(kernel.engine.containers.run(options));
});

test('hooks run in the order of the lifecycle, and what was assembled is taken back at every end', async (t) => {
  const calls: string[] = [];
  const diary = definePlugin({
    name: 'diary',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:*'],
    setup({ hooks: { image, container } }) {
      image.resolve.tap({}, () => void calls.push('image.resolve'));
      image.admit.tap({}, () => void calls.push('image.admit'));
      image.fetch.tap({}, () => void calls.push('image.fetch'));
      image.verify.tap({}, () => void calls.push('image.verify'));
      image.unpack.tap({}, () => void calls.push('image.unpack'));
      image.stored.tap({}, () => void calls.push('image.stored'));
      container.admit.tap({}, () => void calls.push('admit'));
      container.spec.tap({}, (spec) => (calls.push('spec'), { ...spec, hostname: 'tapped' }));
      container.assemble.tap({}, () => (calls.push('assemble'), () => void calls.push('disassemble')));
      container.started.tap({}, () => void calls.push('started'));
      container.exited.tap({}, ({ exit }) => void calls.push(`exited ${exit.exitCode}`));
      container.removed.tap({}, () => void calls.push('removed'));
    },
  });
  const { kernel, machine } = await testBed(t, { plugins: [diary] });
  const { containers } = kernel.engine;
  const { id } = await containers.run(options);
  t.is(machine.containers.get(id)?.spec.hostname, 'tapped');
  await containers.stop({ container: 'web' });
  await containers.start({ container: 'web' });
  await containers.remove({ container: 'web', force: true });
  t.deepEqual(calls, [
    'image.resolve', 'image.admit', 'image.fetch', 'image.verify', 'image.unpack', 'image.stored',
    'admit', 'spec', 'assemble', 'started', 'disassemble', 'exited 143', 'assemble', 'started', 'disassemble', 'exited 137', 'removed',
  ]);
});

test('a start whose hook fails ends the container again, and can be repeated', async (t) => {
  const { kernel } = await testBed(t, { plugins: [spoiler('started')] });
  const { containers } = kernel.engine;
  await containers.create(options);
  t.is((await t.throwsAsync<CoreError>(containers.start({ container: 'web' }))).code, 'E_HOOK');
  t.like(await containers.wait({ container: 'web' }), { signal: 'SIGKILL' });
  t.is((await containers.inspect({ container: 'web' })).state, 'exited');
  t.is((await containers.start({ container: 'web' })).state, 'running');
});

test('a removal that fails leaves the container as it was', async (t) => {
  const probe = await makeProbe(t);
  const { containers } = probe.bed.kernel.engine;
  await containers.create(options);
  probe.around = (step) => {
    if (step === 'runtime.remove') throw new CoreError('E_IO', { message: 'device is busy' });
  };
  t.is((await t.throwsAsync<CoreError>(containers.remove({ container: 'web' }))).code, 'E_IO');
  t.is((await containers.inspect({ container: 'web' })).state, 'created');
  probe.around = () => {};
  await containers.remove({ container: 'web' });
  t.is(probe.bed.machine.containers.size, 0);
});

test('an image that a tap of image.verify rejects is not kept', async (t) => {
  const inspector = definePlugin({
    name: 'inspector',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:image.verify'],
    setup: ({ hooks }) => void hooks.image.verify.tap({}, () => { throw new Error('not signed'); }),
  });
  const { kernel, images } = await testBed(t, { plugins: [inspector] });
  const error = await t.throwsAsync<CoreError>(kernel.engine.images.ensure({ reference: 'oci:/app:1' }));
  t.is(error.code, 'E_HOOK');
  t.regex(error.message, /not signed/);
  t.is(images.images.size, 0);
});

test('an image that was there before keeps its other names when a tap rejects it under a new one', async (t) => {
  let strict = false;
  const inspector = definePlugin({
    name: 'inspector',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:image.verify'],
    setup: ({ hooks }) =>
      void hooks.image.verify.tap({}, () => {
        if (strict) throw new Error('not signed');
      }),
  });
  const { kernel } = await testBed(t, { plugins: [inspector] });
  const { images } = kernel.engine;
  const { id } = await images.ensure({ reference: 'oci:/app:1', name: 'old' });
  strict = true;
  await t.throwsAsync(images.ensure({ reference: id, name: 'new' }));
  t.deepEqual((await images.list({})).map(({ names }) => names), [['old']]);
});

test('however soon a container ends, its end comes after its start', async (t) => {
  const calls: string[] = [];
  const slow = definePlugin({
    name: 'slow',
    version: '0.1.0',
    api: 1,
    permissions: ['hooks:container.*'],
    setup({ hooks: { container } }) {
      container.started.tap({}, async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        calls.push('started');
      });
      container.exited.tap({}, () => void calls.push('exited'));
    },
  });
  const { kernel } = await testBed(t, { plugins: [slow] });
  const { containers } = kernel.engine;
  const { id } = await containers.run({ image: 'host', command: ['true'] });
  await containers.wait({ container: id });
  await containers.remove({ container: id });
  t.deepEqual(calls, ['started', 'exited']);
});
