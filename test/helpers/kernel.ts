/**
 * A kernel on fakes, for tests of the operations. Comes in: what the fakes are told to do. Goes out: the kernel, the fake
 * machine behind it, and what is left of both.
 */
import type { ExecutionContext } from 'ava';
import { createKernel, type CoreKernel, type CreateKernelOptions, type KernelEntry, type Plugin } from '#core/index.js';
import { openStore } from '#core/state/lmdb-store.js';
import { FakeImageStore, FakeMachine, runtimeFake } from '#runtime-fake/index.js';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';

export interface TestBed {
  readonly kernel: CoreKernel;
  readonly machine: FakeMachine;
  readonly images: FakeImageStore;
  readonly root: string;
  /** Closes nothing: another kernel on the same machine and root, as after a restart. */
  boot(options?: BedOptions): Promise<CoreKernel>;
}

export interface BedOptions extends Omit<CreateKernelOptions, 'root' | 'runRoot' | 'plugins'> {
  /** Config of `runtime-fake`. */
  readonly fake?: Readonly<Record<string, unknown>>;
  /** Beside the fake, or instead of it. */
  readonly plugins?: ReadonlyArray<Plugin | KernelEntry>;
  readonly drivers?: (machine: FakeMachine, images: FakeImageStore) => Plugin;
}

export async function testBed(t: ExecutionContext, options: BedOptions = {}): Promise<TestBed> {
  const folder = temporaryFolder(t);
  const root = join(folder, 'root');
  const machine = new FakeMachine();
  const images = new FakeImageStore();
  const boot = async ({ fake = {}, plugins = [], drivers = runtimeFake, ...rest }: BedOptions = {}): Promise<CoreKernel> => {
    const kernel = await createKernel({ ...rest, root, runRoot: join(folder, 'run'), plugins: [{ plugin: drivers(machine, images), config: fake }, ...plugins] });
    t.teardown(() => kernel.close());
    return kernel;
  };
  return { kernel: await boot(options), machine, images, root, boot };
}

/** What stands in the state of a root that no kernel owns just now. */
export async function stateOf(root: string): Promise<{ containers: unknown[]; intents: unknown[] }> {
  const store = openStore({ root, readOnly: true });
  try {
    const containers = [...store.collection('containers').entries(), ...store.collection('descriptions').entries()];
    return { containers, intents: store.collection('intents').entries() };
  } finally {
    await store.close();
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
