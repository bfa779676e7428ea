/** What a creation computes, with nothing made: so that V8 keeps the code of it with the bundle. Comes in: a bundle's folder. Called by the build, through `main.ts`. */
import type { Oci } from '@core/core/plugin';
import { machineFacts } from '../facts.js';
import { encode } from '../link/frames.js';
import { loadBundle } from './config.js';
import { compileOciPlan } from './plan.js';
import { template } from './spec.js';
import type { ContainerRecord } from './state.js';

const ID = 'rehearsal';

/** To write there as `config.json` first. */
export function rehearsedConfig(): Oci.Spec {
  const base = template();
  const seccomp: Oci.Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: ['read', 'write', 'execve', 'exit_group', 'openat', 'close'], action: 'SCMP_ACT_ALLOW' },
      { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] },
    ],
  };
  const resources = { ...base.linux?.resources, memory: { limit: 2 ** 26 }, cpu: { shares: 512, quota: 50_000, period: 100_000 }, pids: { limit: 64 } };
  const bind = { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['rbind', 'ro'] };
  return { ...base, process: { ...base.process, terminal: false } as Oci.Process, mounts: [...(base.mounts ?? []), bind], linux: { ...base.linux, resources, seccomp } };
}

export function rehearse(folder: string): void {
  const host = machineFacts();
  const bundle = loadBundle(folder, { id: ID, systemd: false, host });
  const record: ContainerRecord = { id: ID, pid: 0, startTime: 0, bundle: folder, rootfs: bundle.rootfs, created: '', cgroup: `/${ID}`, groups: [], made: [], config: bundle.config };
  encode(compileOciPlan({ bundle, folder, host, record, mode: 'create', noPivot: false, fds: 0, console: undefined }));
}
