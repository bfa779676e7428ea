/** runtime-linux as a plugin in a process of its own, held to its permissions, against the conformance suite. Needs root. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Runtime } from '#core/contracts/index.js';
import { bootKernel, type Kernel } from '#core/kernel/index.js';
import { runtimeConformance, type RuntimeSubject } from '#core/testing/index.js';
import plugin from '#runtime-linux/index.js';
import { declareUnless } from '../../helpers/declare.js';
import { lacks } from '../../helpers/machine.js';

const why = lacks({ root: true });
let kernel: Kernel | undefined;
let base: string;

test.before(async () => {
  if (why !== undefined) return;
  base = await mkdtemp(join(tmpdir(), 'isolated-linux-'));
  await chmod(base, 0o711);
  const module = import.meta.resolve('#runtime-linux/index.js');
  kernel = await bootKernel({
    plugins: [{ plugin, module, config: { cgroupParent: '/core-test-isolated' }, isolation: 'process' }],
    root: join(base, 'root'), runRoot: join(base, 'run'), lease: true,
  });
});

test.after.always(async () => {
  if (why !== undefined) return;
  await kernel?.close();
  await rm(base, { recursive: true, force: true });
});

const declare = declareUnless(why);

for (const { name, run } of runtimeConformance(makeSubject)) {
  declare(name, async (t) => {
    await t.notThrowsAsync(run());
  });
}

function makeSubject(): RuntimeSubject {
  const port = (kernel as Kernel).port(Runtime);
  return {
    port,
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
    dispose: async () => void (await port.reconcile({ alive: [] })),
  };
}
