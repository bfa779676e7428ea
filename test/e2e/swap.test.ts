/** The runtime is swapped under running containers, served and leased, half-way and whole. Needs root. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import imageOci from '@core/image-oci';
import { Layers, Runtime } from '#core/contracts/index.js';
import { createKernel, type CoreKernel } from '#core/index.js';
import { definePlugin, type Plugin } from '#core/kernel/index.js';
import { config } from '#runtime-linux/config.js';
import runtimeLinux from '#runtime-linux/index.js';
import { collect } from '../helpers/kernel.js';
import { lacks } from '../helpers/machine.js';

const ticking = { image: 'host', name: 'web', command: ['sh', '-c', 'while :; do echo tick; sleep 0.05; done'] };

const next: Plugin = { ...runtimeLinux, version: '0.2.0' };

const broken = definePlugin({
  name: 'runtime-linux', version: '0.2.0', api: 1, config,
  provides: { runtime: Runtime, layers: Layers },
  setup: () => Promise.reject(new Error('half-way')),
});

interface Running {
  readonly kernel: CoreKernel;
  readonly pid: number | undefined;
  readonly settings: object;
}

async function withContainer(lease: boolean, work: (running: Running) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'swap-'));
  await chmod(base, 0o711);
  const settings = { cgroupParent: '/core-swap' };
  const kernel = await createKernel({ plugins: [{ plugin: runtimeLinux, config: settings }, imageOci], root: join(base, 'root'), runRoot: join(base, 'run'), lease });
  try {
    const { pid } = await kernel.engine.containers.run(ticking);
    await work({ kernel, pid, settings });
  } finally {
    await kernel.close();
    await rm(base, { recursive: true, force: true });
  }
}

async function assertAlive(t: ExecutionContext, { kernel, pid }: Running): Promise<void> {
  const { containers } = kernel.engine;
  t.deepEqual((await containers.list({})).map((one) => [one.name, one.state, one.pid]), [['web', 'running', pid]]);
  t.true((await containers.processes({ container: 'web' })).includes(pid ?? 0));
  const events = await collect(containers.exec({ container: 'web', args: ['echo', 'inside'] }));
  t.deepEqual(events.map(({ type }) => type), ['started', 'stdout', 'exit']);
  const before = (await collect(containers.logs({ container: 'web' }))).length;
  let lines = 0;
  for await (const { line } of containers.logs({ container: 'web', follow: true })) {
    t.is(line, 'tick');
    if (++lines > before) break;
  }
}

const swaps = test.macro(async (t, lease: boolean) =>
  withContainer(lease, async (running) => {
    const { kernel, settings } = running;
    const { containers } = kernel.engine;
    const waiting = containers.wait({ container: 'web' });
    await t.throwsAsync(kernel.swap('runtime-linux', { plugin: broken, config: settings }), { code: 'E_SWAP', message: /half-way; the former version is back in place/ });
    await assertAlive(t, running);
    await kernel.swap('runtime-linux', { plugin: next, config: settings });
    t.is(kernel.plugins().find(({ name }) => name === 'runtime-linux')?.version, '0.2.0');
    await assertAlive(t, running);
    await containers.kill({ container: 'web' });
    t.like(await waiting, { exitCode: 137, signal: 'SIGKILL', reason: undefined });
    await containers.remove({ container: 'web' });
    await kernel.swap('runtime-linux', { plugin: next, config: settings });
    const { name } = await containers.run({ image: 'host', command: ['true'] });
    t.like(await containers.wait({ container: name }), { exitCode: 0 });
  }),
);

const reason = lacks({ root: true });
for (const [title, lease] of [['a served kernel', false], ['a kernel held by lease', true]] as const) {
  if (reason) test.skip(`${title} (${reason})`, swaps, lease);
  else test.serial(title, swaps, lease);
}
