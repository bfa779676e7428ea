/**
 * What an ordinary user's container cannot have, said before anything is done. Comes in: settings or a spec, and the facts. Goes out: nothing, or E_UNSUPPORTED with
 * the way out. Called by the spec builder, by validation and by `update`.
 */
import { CoreError, type ContainerSettings, type CreateRequest, type ErrorObject } from '@core/core/plugin';
import type { Controller } from '../cgroup/layout.js';
import { isMapped } from '../plan/ids.js';
import type { HostFacts } from '../plan/input.js';
import type { RootlessFacts } from './facts.js';

export const MORE_IDS = 'Give the user a range in /etc/subuid and /etc/subgid and install newuidmap and newgidmap (package uidmap).';
export const DELEGATE = 'Start the kernel in a cgroup of its own: systemd-run --user --scope -p Delegate=yes ...; `core doctor` says more.';

/** Of the settings: what the spec no longer shows. */
export function checkRootless({ user = '', groups = [], namespaces }: ContainerSettings, { rootless, id }: { readonly rootless: RootlessFacts; readonly id: string }): void {
  const object = { kind: 'container', id } as const;
  if (namespaces?.user === 'private') {
    throw new CoreError('E_UNSUPPORTED', { message: 'namespaces.user: a container of an ordinary user is in that user\'s own user namespace already', hint: 'Leave it out.', object });
  }
  const [uid = '', gid = ''] = user.split(':');
  for (const [number, maps] of [[uid, rootless.maps.uids], [gid, rootless.maps.gids]] as const) {
    if (/^\d+$/.test(number) && !isMapped(maps, Number(number))) throw new CoreError('E_UNSUPPORTED', { message: `user: the id ${number} is not among those of this user`, hint: MORE_IDS, object });
  }
  if (groups.length > 0 && !rootless.helpers) throw new CoreError('E_UNSUPPORTED', { message: 'groups: with a single id the kernel lets nobody change groups', hint: MORE_IDS, object });
}

export function onlyOrdinary(id: string): CoreError {
  return new CoreError('E_UNSUPPORTED', { message: 'network: "user" is for the kernel of an ordinary user', hint: 'Use "none" or "host".', object: { kind: 'container', id } });
}

export function checkRootlessSpec({ id, spec }: CreateRequest, { host, missing }: { readonly host: HostFacts; readonly missing: readonly Controller[] }): void {
  const object = { kind: 'container', id } as const;
  const own = new Set(spec.linux?.namespaces?.flatMap(({ type, path }) => (path === undefined ? [type] : [])));
  if (own.has('user')) throw new CoreError('E_UNSUPPORTED', { message: 'spec.linux.namespaces: a user namespace inside an ordinary user\'s is not supported', object });
  // Its pid namespace is then the only thing all its processes can be found and ended by.
  if (host.cgroups.mode === 'none' && !own.has('pid')) {
    throw new CoreError('E_UNSUPPORTED', { message: 'namespaces.pid: "host" takes a cgroup, by which the processes can be ended, and none is delegated to this user', hint: DELEGATE, object });
  }
  if (missing.length > 0 && host.rootless?.limits === 'refuse') throw notDelegated(missing, object);
}

export function notDelegated(missing: readonly Controller[], object: ErrorObject): CoreError {
  return new CoreError('E_UNSUPPORTED', { message: `no cgroup with the controller ${missing.join(', ')} is delegated to this user`, hint: DELEGATE, object });
}
