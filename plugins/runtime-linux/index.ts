/** The manifest of runtime-linux: what it needs, what it gives. Loaded by the kernel. */
import { definePlugin, Layers, Runtime } from '@core/core/plugin';
import { config } from './config.js';
import { createDriver } from './driver.js';

export default definePlugin({
  name: 'runtime-linux',
  version: '0.1.0',
  api: 1,
  config,
  provides: { runtime: Runtime, layers: Layers },
  permissions: ['exec', 'fs:/'],
  async setup(ctx) {
    const { config, root, runRoot, shared, lease, log } = ctx;
    const driver = await createDriver({ ...config, root, runRoot, keep: [shared], lease, warn: (message) => log.warn(message) });
    ctx.effect('driver', () => driver.close());
    return { runtime: driver, layers: driver.layers };
  },
});
