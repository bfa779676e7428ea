/** `core-oci features`: what this runtime knows, in the form of the OCI specification (features.md). Called by `program.ts`. */
import { CAPABILITIES, SECCOMP_FLAGS } from '../constants.js';
import { printJson } from './print.js';

const MOUNT_OPTIONS = [
  'async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'idmap', 'mand', 'noatime', 'nodev', 'nodiratime', 'noexec',
  'norelatime', 'nostrictatime', 'nosuid', 'private', 'ratime', 'rbind', 'rdev', 'remount', 'rdiratime', 'relatime', 'rexec', 'rnoatime', 'rnodev', 'rnodiratime', 'rnoexec', 'rnosuid', 'ro',
  'rprivate', 'rro', 'rrw', 'rshared', 'rslave', 'rsuid', 'runbindable', 'rw', 'shared', 'slave', 'strictatime', 'suid', 'sync', 'tmpcopyup', 'unbindable',
];

export function features(): void {
  printJson({
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.2.1',
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: MOUNT_OPTIONS,
    linux: {
      netDevices: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
      namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true,
        actions: ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY', 'SCMP_ACT_TRACE', 'SCMP_ACT_TRAP'],
        operators: ['SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_LE', 'SCMP_CMP_LT', 'SCMP_CMP_MASKED_EQ', 'SCMP_CMP_NE'],
        knownFlags: Object.keys(SECCOMP_FLAGS),
        supportedFlags: Object.keys(SECCOMP_FLAGS),
      },
      apparmor: { enabled: false },
      selinux: { enabled: false },
    },
  });
}
