/** The default mounts and the user's. Called by `spec/index.ts`. */
import { existsSync } from 'node:fs';
import type { ContainerSettings, MountSettings, Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { isMapped } from '../plan/ids.js';
import type { RootlessFacts } from '../rootless/facts.js';

export interface MountDefaults {
  readonly issues: Issues;
  readonly rootless?: RootlessFacts | undefined;
  readonly resolver?: string | undefined;
}

/** A user's mount takes the place of a default one at the same path; parents come before what is mounted in them. */
export function containerMounts(settings: ContainerSettings, { issues, rootless, resolver }: MountDefaults): Oci.Mount[] {
  const wanted = settings.mounts.map((mount, index) => userMount(mount, { index, settings, issues }));
  const replaced = new Set(wanted.map((mount) => mount.destination));
  const defaults = [...defaultMounts(settings, rootless), ...resolverMount(settings, resolver)].filter((mount) => !replaced.has(mount.destination));
  return [...defaults, ...[...wanted].sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function defaultMounts(settings: ContainerSettings, rootless: RootlessFacts | undefined): Oci.Mount[] {
  const modes = settings.namespaces ?? {};
  const userns = modes.user === 'private' || rootless !== undefined;
  const access = settings.privileged ? 'rw' : 'ro';
  const locked = ['nosuid', 'noexec', 'nodev'];
  return [
    // The kernel lets a user namespace mount procfs and sysfs only together with the pid and network namespaces they show.
    userns && modes.pid === 'host' ? bind('/proc', locked) : { destination: '/proc', type: 'proc', source: 'proc', options: locked },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ttyGroup(settings, rootless)] },
    ...ipcMounts(settings, userns),
    userns && settings.network === 'host' ? bind('/sys', [...locked, 'rro']) : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...locked, access] },
    ...(userns && modes.cgroup === 'host' ? [] : [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...locked, 'relatime', access] }]),
  ];
}

function resolverMount({ network }: ContainerSettings, path: string | undefined): Oci.Mount[] {
  return network === 'user' && path !== undefined ? [{ destination: '/etc/resolv.conf', type: 'bind', source: path, options: ['bind', 'ro', 'nosuid', 'noexec', 'nodev'] }] : [];
}

/** Sharing the machine's IPC means sharing its shared memory and queues. */
function ipcMounts({ namespaces: modes = {}, shmSize }: ContainerSettings, userns: boolean): Oci.Mount[] {
  const locked = ['nosuid', 'noexec', 'nodev'];
  const queues = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: locked };
  // A queue file system shows the namespace of whoever mounts it, but only to the owner of that namespace.
  if (modes.ipc === 'host') return [...(existsSync('/dev/shm') ? [bind('/dev/shm', locked)] : []), ...(userns ? [] : [queues])];
  return [
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...locked, 'mode=1777', `size=${shmSize}`] },
    queues,
  ];
}

/** Group 5, `tty`, where it is mapped at all. */
function ttyGroup({ namespaces: modes, idMappings }: ContainerSettings, rootless: RootlessFacts | undefined): string[] {
  if (rootless) return isMapped(rootless.maps.gids, 5) ? ['gid=5'] : [];
  const mapped = modes?.user !== 'private' || !idMappings || idMappings.gids.some(({ container, size }) => container <= 5 && container + size > 5);
  return mapped ? ['gid=5'] : [];
}

function bind(path: string, options: readonly string[]): Oci.Mount {
  return { destination: path, type: 'bind', source: path, options: ['rbind', 'rslave', ...options] };
}

interface MountContext {
  readonly index: number;
  readonly settings: ContainerSettings;
  readonly issues: Issues;
}

function userMount(mount: MountSettings, { index, settings, issues }: MountContext): Oci.Mount {
  const path = `mounts[${index}]`;
  issues.expect(isClean(mount.target) && mount.target !== '/', `${path}.target`, 'must be an absolute path without ".", ".." and empty parts, and not "/"');
  if (mount.type === 'tmpfs') {
    const { target, size, mode = 0o1777, readonly, exec } = mount;
    const options = ['nosuid', 'nodev', ...(exec ? [] : ['noexec']), `mode=${mode.toString(8)}`, ...(size === undefined ? [] : [`size=${size}`]), ...(readonly ? ['ro'] : [])];
    return { destination: target, type: 'tmpfs', source: 'tmpfs', options };
  }
  const { source, target, readonly, recursive = true, propagation = 'rprivate', idmap } = mount;
  issues.expect(source.startsWith('/'), `${path}.source`, 'must be an absolute path');
  issues.expect(!idmap || settings.namespaces?.user === 'private', `${path}.idmap`, 'takes namespaces.user: "private"');
  const options = [recursive ? 'rbind' : 'bind', propagation, ...(readonly ? [recursive ? 'rro' : 'ro'] : []), ...(idmap ? ['idmap'] : [])];
  return { destination: target, type: 'bind', source, options };
}

/** Absolute, and what it says is where it leads: no empty part, no `.` or `..`. */
export function isClean(path: string): boolean {
  return CLEAN.test(path);
}

const CLEAN = /^(?:\/|(?:\/(?!\.\.?(?:\/|$))[^/\0]+)+)$/;

function depth(path: string): number {
  return path.split('/').length;
}
