/**
 * Every hook of the engine, in the order of its life. Comes in: nothing. Goes out: the declarations by lifecycle. Read by the
 * kernel, which makes one live set of them, and by the test that freezes their names.
 */
import { container } from './container.js';
import { image } from './image.js';
import type { LiveLifecycle } from './lifecycle.js';

export type { ContainerAssembled, ContainerExited, ContainerRemoved, ContainerRequested, ContainerStarted } from './container.js';
export type { ImageArrived, ImageRemoved, ImageRequest } from './image.js';
export { liveLifecycles, type Lifecycle, type LiveLifecycle, type Refusal } from './lifecycle.js';

export const lifecycles = Object.freeze({ image: image.hooks, container: container.hooks });

export type Lifecycles = typeof lifecycles;

/** The live hooks of one kernel: `hooks.container.spec.run(...)`. */
export type LifecycleHooks = { readonly [Life in keyof Lifecycles]: LiveLifecycle<Lifecycles[Life]> };
