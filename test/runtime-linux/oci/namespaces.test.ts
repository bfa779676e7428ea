/** How the OCI face plans namespaces that are there already, without a container. */
import type { Oci } from '@core/core/plugin';
import test from 'ava';
import { CLONE } from '#runtime-linux/constants.js';
import { execJoins, joinNamespaces } from '#runtime-linux/oci/namespaces.js';
import { PlanDraft } from '#runtime-linux/plan/draft.js';
import { machine } from '../helpers/machines.js';

function draftOf(namespaces: readonly Oci.Namespace[]): PlanDraft {
  return new PlanDraft({
    id: 'c1', spec: { ociVersion: '1.2.1', linux: { namespaces: [...namespaces] } }, rootfs: { kind: 'folder', path: '/r' }, io: { stdin: false, stdinOnce: false, log: null },
    paths: { dir: '/d', state: '/d', upper: '/d', work: '/d', cgroup: '/c' }, host: machine('hybrid'), groups: [],
  });
}

test('what a process can join by itself it joins by itself', (t) => {
  const draft = draftOf([{ type: 'mount' }, { type: 'network', path: '/n' }, { type: 'pid', path: '/p' }]);
  t.deepEqual(joinNamespaces(draft), { clone: CLONE.NEWNS, pidns: 1 });
  t.deepEqual(draft.setup, [['setns', 0, CLONE.NEWNET]]);
});

test('a user namespace is entered on the way, and last', (t) => {
  const draft = draftOf([{ type: 'user', path: '/u' }, { type: 'mount' }, { type: 'network', path: '/n' }, { type: 'uts' }]);
  t.deepEqual(joinNamespaces(draft), { clone: CLONE.NEWNS | CLONE.NEWUTS, enter: [[0, CLONE.NEWNET], [1, CLONE.NEWUSER]] });
  t.deepEqual(draft.prepare, [['netns', 0, '/n', CLONE.NEWNET], ['netns', 1, '/u', CLONE.NEWUSER]]);
  t.deepEqual(draft.setup, []);
  t.true(draft.unprivileged);
});

test('a mount namespace is made, entered, or shared', (t) => {
  t.deepEqual(joinNamespaces(draftOf([{ type: 'mount', path: '/m' }])), { clone: 0, enter: [[0, CLONE.NEWNS]] });
  t.deepEqual(joinNamespaces(draftOf([{ type: 'ipc' }])), { clone: CLONE.NEWIPC, sharedMounts: true });
});

test('an exec enters the root itself where the mounts are shared', (t) => {
  t.deepEqual(execJoins({ ociVersion: '1.2.1', linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] } }), { namespaces: CLONE.NEWNS | CLONE.NEWPID });
  t.deepEqual(execJoins({ ociVersion: '1.2.1', linux: { namespaces: [{ type: 'pid' }] } }), { namespaces: CLONE.NEWPID, chroot: true });
});
