/** Abstract sockets belong to the network namespace: a service of the machine's that listens on one is within reach of whoever shares its network. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { escape, type Place } from './support/escape.js';
import { attackMount, attackProgram } from './support/programs.js';
import { eventually } from '../e2e/executor/support.js';
import type { ContainerOptions } from '@core/core/plugin';

escape({
  name: 'abstract sockets of the machine',
  cves: ['2020-15257'],
  weakened: (at) => withListener(at, { network: 'host' }),
  async ours(at) {
    // With the machine's network the machine's own sockets are in reach, so none of ours may be abstract.
    const { out } = await at.stage.through({ network: 'host' }, 'cat /proc/net/unix');
    at.t.true(out.includes('RefCount'));
    const ours = out.split('\n').filter((line) => / @.*(core|executor|ctl)/.test(line));
    return ours.length > 0 || withListener(at, {});
  },
});

async function withListener({ stage, folder }: Place, options: Partial<ContainerOptions>): Promise<boolean> {
  const name = `attacked-${folder.split('/').at(-1)}`;
  const service = spawn(attackProgram('attack'), ['listen', name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(service, 'close');
  let said = '';
  service.stdout.on('data', (text: Buffer) => (said += text.toString()));
  try {
    await eventually(() => said.startsWith('ok'));
    await stage.through({ ...options, mounts: [attackMount()] }, `/attack/attack abstract ${name}`);
    return said.includes('reached');
  } finally {
    service.kill('SIGKILL');
    await ended;
  }
}
