/**
 * An OCI bundle for the peers: what our own default container has, written as a config.json. Comes in: the root filesystem, the
 * features. Goes out: a folder a runtime can run. Called by the rows that compare.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'].map((name) => `CAP_${name}`);

/**
 * `spec` is the one our engine made for its own container, so that the peer does the same work: the same namespaces, mounts,
 * limits, filter. Changed is only what has to be: where the root is, where the cgroup is, and what the peer does not know.
 */
export function writeBundle({ folder, rootfs, spec, cgroup, args }) {
  mkdirSync(folder, { recursive: true });
  const { username: _ours, ...user } = spec.process.user;
  const config = {
    ...spec,
    ociVersion: '1.0.2',
    root: { path: rootfs, readonly: spec.root?.readonly ?? false },
    process: { ...spec.process, terminal: false, args, user, capabilities: { ...spec.process.capabilities, ambient: [] } },
    linux: { ...spec.linux, cgroupsPath: cgroup },
  };
  delete config.process.rlimits; // a hard limit above the inherited one fails for every peer where CAP_SYS_RESOURCE is missing
  delete config.process.oomScoreAdj;
  delete config.domainname;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  return folder;
}

/** What our default container amounts to, for when the peers are measured alone. */
export function plainSpec({ memory = 256 << 20, pids = 64, seccomp } = {}) {
  const mount = (destination, type, options, source = type) => ({ destination, type, source, options });
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    hostname: 'bench',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/bin/true'],
      env: ['PATH=/bin'],
      cwd: '/',
      noNewPrivileges: true,
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    },
    mounts: [
      mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
      mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']),
      mount('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'], 'shm'),
      mount('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
      mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
      mount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro']),
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      resources: { memory: { limit: memory, swap: memory }, cpu: { quota: 100_000, period: 100_000 }, pids: { limit: pids }, devices: [{ allow: false, access: 'rwm' }] },
      maskedPaths: ['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      ...(seccomp && { seccomp }),
    },
  };
}
