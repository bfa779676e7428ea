/** image-oci with the executor's own extractor against the conformance suite of its contract, from every kind of source. Needs root. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageConformance, type ImageSubject } from '#core/testing/index.js';
import { configSchema } from '#image-oci/config.js';
import { createImages } from '#image-oci/driver.js';
import { config } from '#runtime-linux/config.js';
import { createDriver } from '#runtime-linux/driver.js';
import { declareUnless } from '../../helpers/declare.js';
import { dockerArchive, lacksImages, ociArchive, ociLayout, rootfs } from '../../helpers/images.js';

const why = lacksImages('oci');
const declare = declareUnless(why);

for (const [kind, reference] of [['OCI layout', ociLayout], ['OCI archive', ociArchive], ['docker archive', dockerArchive]] as const) {
  for (const { name, run } of imageConformance(() => makeSubject(reference()))) {
    declare(`${kind}: ${name}`, async (t) => {
      await t.notThrowsAsync(run());
    });
  }
}

async function makeSubject(reference: string): Promise<ImageSubject> {
  const base = await mkdtemp(join(tmpdir(), 'image-oci-'));
  const driver = await createDriver({ ...config.parse({ cgroupParent: '/core-test', executor: process.env['CORE_EXECUTOR'] }), root: join(base, 'root'), runRoot: join(base, 'run'), lease: true });
  const provider = () => createImages({ store: join(base, 'images'), root: join(base, 'root'), own: [base], layers: driver.layers, config: configSchema.parse({}) });
  return {
    port: provider(),
    references: [reference, `dir:${rootfs()}`],
    broken: `oci:${base}:latest`,
    restart: async () => provider(),
    dispose: async () => {
      await driver.close();
      await rm(base, { recursive: true, force: true });
    },
  };
}
