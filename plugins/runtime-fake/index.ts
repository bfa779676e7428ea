/** The fake runtime and image provider as a plugin: for tests of the kernel and the operations, without root. */
import { definePlugin, Images, Runtime, type Plugin } from '@core/core/plugin';
import { config } from './config.js';
import { createFakeImages, FakeImageStore } from './images.js';
import { FakeMachine } from './machine.js';
import { createFakeRuntime } from './runtime.js';

export { createFakeImages, FakeImageStore, type FakeImagesOptions } from './images.js';
export { FakeMachine } from './machine.js';
export { createFakeRuntime, type FakeRuntimeOptions } from './runtime.js';

/** Two plugins made with the same `machine` and `store` are the same machine before and after a restart of the kernel. */
export function runtimeFake(machine = new FakeMachine(), store = new FakeImageStore()): Plugin {
  return definePlugin({
    name: 'runtime-fake',
    version: '0.1.0',
    api: 1,
    config,
    provides: { runtime: Runtime, images: Images },
    setup({ config }) {
      return { runtime: createFakeRuntime(config, machine), images: createFakeImages(config.images, store) };
    },
  });
}

export default runtimeFake();
