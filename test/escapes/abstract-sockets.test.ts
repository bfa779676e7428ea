/** Abstract sockets belong to the network namespace: a service of the machine's that listens on one is within reach of whoever shares its network. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { escape, type Place } from './support/escape.js';
import { attackMount } from './support/programs.js';
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
  let reached = false;
  const server = createServer((socket) => {
    reached = true;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(`\0${name}`, resolve));
  const listed = readFileSync('/proc/net/unix', 'utf8').includes(`@${name}`);
  try {
    await stage.through({ ...options, mounts: [attackMount()] }, `/attack/attack abstract ${name}`);
    return listed && reached;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
