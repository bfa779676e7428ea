/** runtime-linux on the real machine against the conformance suite of its contract, in process and over IPC. Needs root. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimeConformance, type RuntimeSubject } from '#core/testing/index.js';
import { config } from '#runtime-linux/config.js';
import { createDriver } from '#runtime-linux/driver.js';
import { declareUnless } from '../helpers/declare.js';
import { lacks } from '../helpers/machine.js';

const declared = declareUnless(lacks({ root: true }));

for (const { name, run } of runtimeConformance(makeSubject)) {
  declared(name, async (t) => {
    await t.notThrowsAsync(run());
  });
}

async function makeSubject(): Promise<RuntimeSubject> {
  const base = await mkdtemp(join(tmpdir(), 'runtime-linux-'));
  await chmod(base, 0o711);
  const options = { ...config.parse({ cgroupParent: '/core-test' }), root: join(base, 'root'), runRoot: join(base, 'run'), lease: false };
  const first = await createDriver(options);
  const open = [first];
  return {
    port: first,
    restart: async () => {
      await first.close();
      const next = await createDriver(options);
      open.push(next);
      return next;
    },
    request: (id, args, { stdin, terminal = false, env = [] } = {}) => ({
      id,
      spec: {
        ociVersion: '1.2.0',
        process: { args: [...args], env: ['PATH=/usr/bin:/bin', ...env], cwd: '/', user: { uid: 0, gid: 0 }, terminal },
        mounts: [
          { destination: '/proc', type: 'proc' },
          { destination: '/dev', type: 'tmpfs', options: ['nosuid', 'mode=755'] },
        ],
        linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'network' }], resources: { pids: { limit: 100 } } },
      },
      rootfs: { kind: 'overlay', lowers: ['/'] },
      io: { stdin },
    }),
    dispose: async () => {
      const last = open.at(-1);
      await last?.reconcile({ alive: [] });
      await last?.close();
      await rm(base, { recursive: true, force: true });
    },
  };
}
