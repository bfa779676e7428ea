import test from 'ava';
import { imageConformance, runtimeConformance, type ImageSubject, type RuntimeSubject } from '#core/testing/index.js';
import { createFakeImages, createFakeRuntime, FakeImageStore, FakeMachine } from '#runtime-fake/index.js';

for (const { name, run } of runtimeConformance(makeRuntime)) test(name, (t) => t.notThrowsAsync(run()));
for (const { name, run } of imageConformance(makeImages)) test(name, (t) => t.notThrowsAsync(run()));

function makeRuntime(): RuntimeSubject {
  const machine = new FakeMachine();
  return {
    port: createFakeRuntime({}, machine),
    restart: async () => createFakeRuntime({}, machine),
    request: (id, args, { stdin, terminal = false, env = [] } = {}) => ({
      id,
      spec: { ociVersion: '1.2.0', process: { args: [...args], env: [...env], cwd: '/', user: { uid: 0, gid: 0 }, terminal } },
      rootfs: { kind: 'folder', path: '/nonexistent' },
      io: { stdin },
    }),
    dispose: async () => {
      await createFakeRuntime({}, machine).reconcile({ alive: [] });
    },
  };
}

function makeImages(): ImageSubject {
  const store = new FakeImageStore();
  const options = { missing: { 'oci:./broken': 'E_IMAGE' } } as const;
  return {
    port: createFakeImages(options, store),
    references: ['oci:./busybox:latest', 'docker-archive:./debian.tar'],
    broken: 'oci:./broken',
    restart: async () => createFakeImages(options, store),
  };
}
