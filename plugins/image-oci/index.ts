/** Says what this plugin needs and gives. Loaded by the kernel. */
import { join } from 'node:path';
import { definePlugin, Images, Layers } from '@core/core/plugin';
import { configSchema } from './config.js';
import { createImages } from './driver.js';

export default definePlugin({
  name: 'image-oci',
  version: '0.1.0',
  api: 1,
  config: configSchema,
  needs: { layers: Layers },
  provides: { images: Images },
  permissions: ['fs:/'],
  setup({ config, layers, root, runRoot, shared, effect }) {
    const store = config.root ?? join(shared, 'images');
    const images = createImages({ store, root, own: [root, runRoot, shared, store], layers, config });
    effect('leases', () => images.close());
    return { images };
  },
});
