/** The fakes once more, now as a plugin in a process of its own behind the kernel's ports: any plugin can move out of process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Images, Runtime } from '#core/contracts/index.js';
import { bootKernel, type Kernel } from '#core/kernel/index.js';
import { imageConformance, runtimeConformance, type ImageSubject, type RuntimeSubject } from '#core/testing/index.js';
import fake from '#runtime-fake/index.js';

let kernel: Kernel;
let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isolated-'));
  const module = import.meta.resolve('#runtime-fake/index.js');
  const config = { images: { missing: { 'oci:./broken': 'E_IMAGE' } } };
  kernel = await bootKernel({ plugins: [{ plugin: fake, module, config, isolation: 'process' }], root: folder, runRoot: folder });
});

test.after.always(async () => {
  await kernel.close();
  await rm(folder, { recursive: true, force: true });
});

for (const { name, run } of runtimeConformance(makeRuntime)) test.serial(name, (t) => t.notThrowsAsync(run()));
for (const { name, run } of imageConformance(makeImages)) test.serial(name, (t) => t.notThrowsAsync(run()));

function makeRuntime(): RuntimeSubject {
  const port = kernel.port(Runtime);
  return {
    port,
    request: (id, args, { stdin, terminal = false, env = [] } = {}) => ({
      id,
      spec: { ociVersion: '1.2.0', process: { args: [...args], env: [...env], cwd: '/', user: { uid: 0, gid: 0 }, terminal } },
      rootfs: { kind: 'folder', path: '/nonexistent' },
      io: { stdin },
    }),
    dispose: async () => void (await port.reconcile({ alive: [] })),
  };
}

function makeImages(): ImageSubject {
  const port = kernel.port(Images);
  return {
    port,
    references: ['oci:./busybox:latest', 'docker-archive:./debian.tar'],
    broken: 'oci:./broken',
    dispose: async () => {
      await port.reconcile({ alive: [] });
      for (const { id } of await port.list({})) await port.remove({ reference: id });
    },
  };
}
