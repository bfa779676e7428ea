/** `core-oci spec`: a configuration to begin with, in the bundle's folder. Called by `program.ts`. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { MASKED_PATHS, READONLY_PATHS } from '../spec/paths.js';
import { OciFailure } from './failure.js';

export interface SpecOptions {
  readonly bundle: string;
  readonly rootless: boolean;
}

export function writeSpec({ bundle, rootless }: SpecOptions): void {
  try {
    writeFileSync(resolve(bundle, 'config.json'), `${JSON.stringify(rootless ? withUser(template()) : template(), null, '\t')}\n`, { flag: 'wx', mode: 0o666 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw new OciFailure('File config.json exists. Remove it first');
    throw thrown;
  }
}

const KEPT = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

export function template(): Oci.Spec {
  const locked = ['nosuid', 'noexec', 'nodev'];
  return {
    ociVersion: '1.2.1',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: KEPT, effective: KEPT, permitted: KEPT },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'core',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...locked, 'mode=1777', 'size=65536k'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: locked },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...locked, 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...locked, 'relatime', 'ro'] },
    ],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: (['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'] as const).map((type) => ({ type })),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
}

/** One id is mapped, the caller's own; so there is no group for terminals. */
function withUser(spec: Oci.Spec): Oci.Spec {
  const { linux = {}, mounts = [] } = spec;
  const own = (id: number): Oci.IdMapping[] => [{ containerID: 0, hostID: id, size: 1 }];
  return {
    ...spec,
    mounts: mounts.map((mount) => ({ ...mount, ...(mount.options && { options: mount.options.filter((option) => option !== 'gid=5') }) })),
    linux: { ...linux, namespaces: [...(linux.namespaces ?? []), { type: 'user' }], uidMappings: own(process.getuid?.() ?? 0), gidMappings: own(process.getgid?.() ?? 0) },
  };
}
