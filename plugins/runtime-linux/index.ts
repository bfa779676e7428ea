/** The manifest of runtime-linux: what it needs, what it gives. Loaded by the kernel. */
import { definePlugin, Layers, Runtime } from '@core/core/plugin';
import { config } from './config.js';
import { createDriver, type Handover } from './driver.js';

export default definePlugin({
  name: 'runtime-linux',
  version: '0.1.0',
  api: 1,
  config,
  provides: { runtime: Runtime, layers: Layers },
  permissions: ['exec', 'fs:/'],
  async setup(ctx) {
    const { config, root, runRoot, shared, lease, log, previous } = ctx;
    const driver = await createDriver({ ...config, root, runRoot, keep: [shared], lease, warn: (message) => log.warn(message) });
    const handed = { over: false };
    ctx.effect('driver', () => driver.close({ keepMachine: handed.over }));
    const give = () => {
      handed.over = true;
      return driver.handOver();
    };
    ctx.handover(give, () => void (handed.over = false));
    if (isHandover(previous)) await driver.takeOver(previous);
    return { runtime: driver, layers: driver.layers };
  },
});

function isHandover(state: unknown): state is Handover {
  return typeof state === 'object' && state !== null && 'alive' in state && Array.isArray(state.alive) && 'created' in state && Array.isArray(state.created);
}
