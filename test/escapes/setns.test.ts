/** Joining the machine's namespaces by the files of one of its processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { escape, type Place } from './support/escape.js';
import { attackMount } from './support/programs.js';
import type { ContainerOptions } from '@core/core/plugin';

escape({
  name: 'joining the machine\'s namespaces by /proc/PID/ns',
  weakened: (at) => attempt(at, { privileged: true, namespaces: { pid: 'host' } }),
  async ours(at) {
    for (const options of [{}, { namespaces: { pid: 'host' } }, { namespaces: { pid: 'host' }, seccomp: 'unconfined' }, { namespaces: { pid: 'host' }, capabilities: { add: ['SYS_PTRACE'] } }] as const) {
      if (await attempt(at, options)) return true;
    }
    return false;
  },
});

async function attempt({ stage, t }: Place, options: Partial<ContainerOptions>): Promise<boolean> {
  const victim = spawn('sleep', ['100'], { stdio: 'ignore' });
  const ended = once(victim, 'close');
  try {
    const { out } = await stage.through({ ...options, mounts: [attackMount()] }, `for type in net uts ipc cgroup; do /attack/attack setns /proc/${victim.pid}/ns/$type; done`);
    t.log(JSON.stringify(options), out.replaceAll('\n', ', '));
    return /^ok$/m.test(out);
  } finally {
    victim.kill('SIGKILL');
    await ended;
  }
}
