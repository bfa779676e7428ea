/** Reading a secret out of the memory of another container. */
import { escape, type Place } from './support/escape.js';
import { attackMount } from './support/programs.js';
import type { ContainerOptions } from '@core/core/plugin';

const HALVES = ['c0ffee-in-the', '-memory-of-another'] as const;

escape({
  name: 'ptrace and process_vm across containers',
  weakened: (at) => attempt(at, { namespaces: { pid: 'host' }, capabilities: { add: ['SYS_PTRACE'] }, seccomp: 'unconfined' }, (pid) => `/attack/attack peek ${HALVES.join(' ')} ${pid}`),
  // Whom it sees is its own processes alone; the number of the other means nothing there.
  ours: async (at) =>
    (await attempt(at, {}, (pid) => `/attack/attack peek ${HALVES.join(' ')}; /attack/attack peek ${HALVES.join(' ')} ${pid}`)) ||
    (await attempt(at, { capabilities: { add: ['SYS_PTRACE'] }, seccomp: 'unconfined' }, () => `/attack/attack peek ${HALVES.join(' ')}`)),
});

async function attempt({ stage }: Place, options: Partial<ContainerOptions>, line: (pid: number) => string): Promise<boolean> {
  const victim = await stage.up({ env: { SECRET: HALVES.join('') } });
  const { out } = await stage.through({ ...options, mounts: [attackMount()] }, line(victim.pid));
  return out.includes('found');
}
