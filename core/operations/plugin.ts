/**
 * The operations as a plugin: what provides `engine@1`. Comes in: the facilities of one kernel. Goes out: a plugin to put
 * beside the drivers. Made by `createKernel`, once per kernel.
 */
import { Engine, Images, Runtime } from '../contracts/index.js';
import { definePlugin, type Plugin } from '../kernel/index.js';
import type { EngineParts } from './context.js';
import { startEngine } from './engine.js';

export interface OperationsOptions extends Omit<EngineParts, 'runtime' | 'images' | 'log' | 'root'> {
  /** Ends the patience with containers that are to stop when the kernel closes. */
  readonly haste: AbortSignal;
  /** False while the kernel boots: a boot that fails leaves the containers it found as they are. */
  readonly isUp: () => boolean;
}

export const OPERATIONS = 'operations';

/** As a plan sees it. */
export const operationsManifest = { name: OPERATIONS, needs: { runtime: Runtime, images: Images }, provides: { engine: Engine } };

/** For the stop signals of all containers and their removal; the kernel's own deadline is longer. */
const CLOSE_DEADLINE = 55_000;

export function operationsPlugin(options: OperationsOptions): Plugin {
  return definePlugin({
    ...operationsManifest,
    version: options.version,
    api: 1,
    async setup({ runtime, images, log, root, effect }) {
      const running = await startEngine({ ...options, runtime, images, log, root }, options.haste);
      effect('containers', () => running.close({ leave: !options.isUp() }), { deadline: CLOSE_DEADLINE });
      return { engine: running.engine };
    },
  });
}
