/** What a seccomp listener is told, without one. */
import test from 'ava';
import { listenerMessage, listenerPath } from '#runtime-linux/oci/listener.js';
import type { ContainerRecord } from '#runtime-linux/oci/state.js';

function recordOf(seccomp: object): ContainerRecord {
  const config = { ociVersion: '1.2.1', process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } }, linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...seccomp } as never }, annotations: { note: 'a "b"' } };
  return { id: 'c1', pid: 7, startTime: 0, bundle: '/b', rootfs: '/b/rootfs', created: '', cgroup: '/c1', groups: [], made: [], config };
}

const state = { ociVersion: '1.2.1', id: 'c1', bundle: '/b', annotations: { note: 'a "b"' } };

test('of a container that is made, the pid is the process\'s in both places', (t) => {
  const parts = listenerMessage(recordOf({ listenerPath: '/l', listenerMetadata: 'm"' }), 'creating');
  t.deepEqual(JSON.parse(parts.join('41')), { ociVersion: '1.2.1', fds: ['seccompFd'], pid: 41, metadata: 'm"', state: { ...state, status: 'creating', pid: 41 } });
});

test('of an exec, the state is that of the container', (t) => {
  const parts = listenerMessage(recordOf({ listenerPath: '/l' }), 'running');
  t.deepEqual(JSON.parse(parts.join('41')), { ociVersion: '1.2.1', fds: ['seccompFd'], pid: 41, state: { ...state, status: 'running', pid: 7 } });
});

test('an empty path is none', (t) => {
  t.is(listenerPath(recordOf({ listenerPath: '' }).config), undefined);
  t.is(listenerPath(recordOf({ listenerPath: '/l' }).config), '/l');
});
