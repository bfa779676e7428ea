/** The device filters in force: v1's, and v2's eBPF program, which a hybrid machine's v2 tree takes as well. Needs root. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { config } from '#runtime-linux/config.js';
import { createDriver } from '#runtime-linux/driver.js';
import { hostFacts } from '#runtime-linux/facts.js';
import { declareUnless } from '../helpers/declare.js';
import { lacks } from '../helpers/machine.js';

const facts = hostFacts({ ids: 'auto', limits: 'warn', network: 'auto' });
/** A machine without a v2 tree is none that lacks something. */
const declared = facts.cgroups.unified === undefined ? test.skip : declareUnless(lacks({ root: true }));

for (const version of ['v1', 'v2'] as const) {
  declared(`${version}: what the rules do not allow cannot be opened, what they allow can`, async (t) => {
    const { devices: _devices, ...v1 } = facts.cgroups.v1;
    const base = await mkdtemp(join(tmpdir(), 'runtime-devices-'));
    await chmod(base, 0o711);
    const driver = await createDriver({
      ...config.parse({ cgroupParent: '/core-devices' }),
      root: join(base, 'root'),
      runRoot: join(base, 'run'),
      lease: true,
      ...(version === 'v2' && { host: { ...facts, cgroups: { ...facts.cgroups, v1 } } }),
    });
    try {
      const node = (path: string, major: number, minor: number) => ({ type: 'c' as const, path, major, minor });
      const script = 'for d in null fuse kmsg; do (: < /dev/$d) 2>&- && echo r $d; (: >> /dev/$d) 2>&- && echo w $d; done';
      await driver.create({
        id: 'filtered',
        spec: {
          ociVersion: '1.2.1',
          process: { args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'], cwd: '/', user: { uid: 0, gid: 0 } },
          mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs' }],
          linux: {
            namespaces: [{ type: 'pid' }, { type: 'mount' }],
            devices: [node('/dev/fuse', 10, 229), node('/dev/kmsg', 1, 11)],
            resources: { devices: [{ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 11, access: 'w' }] },
          },
        },
        rootfs: { kind: 'overlay', lowers: ['/'] },
      });
      await driver.start({ id: 'filtered' });
      await driver.wait({ id: 'filtered' });
      const lines = [];
      for await (const { line } of driver.logs({ id: 'filtered' })) lines.push(line);
      t.deepEqual(lines, ['r null', 'w null', 'w kmsg']);
    } finally {
      await driver.close();
      await rm(base, { recursive: true, force: true });
    }
  });
}
