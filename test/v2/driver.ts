/** A driver of one test's own, for what no option of the engine reaches. Comes in: folders and the driver's options. Goes out: the driver and requests for it, closed after the body. Called by the tests of v2. */
import type { CreateRequest, Oci } from '@core/core/plugin';
import { config } from '#runtime-linux/config.js';
import { createDriver, type Driver, type DriverOptions } from '#runtime-linux/driver.js';
import type { Folders } from '../helpers/stage.js';
import { rootfs } from '../helpers/images.js';

export interface Own {
  readonly driver: Driver;
  /** A container that runs until it is removed. */
  request(id: string, linux: Partial<Oci.Linux>, process?: Partial<Oci.Process>): CreateRequest;
}

export async function own(folders: Folders, options: Partial<DriverOptions>, body: (own: Own) => Promise<void>): Promise<void> {
  const driver = await createDriver({ ...config.parse({}), ...folders, keep: [rootfs()], lease: false, ...options });
  try {
    await body({ driver, request });
  } finally {
    for (const { id } of await driver.list({})) await driver.remove({ id });
    await driver.close();
  }
}

function request(id: string, linux: Partial<Oci.Linux>, process: Partial<Oci.Process> = {}): CreateRequest {
  return {
    id,
    spec: {
      ociVersion: '1.2.0',
      process: { args: ['sleep', '1000'], env: ['PATH=/bin'], cwd: '/', user: { uid: 0, gid: 0 }, ...process },
      mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs', options: ['mode=755'] }],
      linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'cgroup' }], ...linux },
    },
    rootfs: { kind: 'overlay', lowers: [rootfs()] },
  };
}
