/** The root inside stops the process of an exec before its execve, which the monitor waits for: nobody is answered, but the container must end when it is told to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { escape, type Place } from './support/escape.js';
import { attackMount } from './support/programs.js';

escape({
  name: 'a container that cannot be ended, because its root stopped an exec half way',
  async weakened(at) {
    // Whoever waits for the monitor alone waits for good.
    return (await parked(at)) !== undefined;
  },
  async ours(at) {
    const id = await parked(at);
    if (id === undefined) throw new Error('not one exec was stopped half way');
    const removed = at.stage.engine.containers.remove({ container: id, force: true }).then(() => true);
    return !(await within(25_000, removed));
  },
}, { timeout: 120_000 });

/** A container whose monitor answers no more; undefined when it always did. */
async function parked({ stage }: Place): Promise<string | undefined> {
  const { id } = await stage.up({ mounts: [attackMount()] }, '/attack/attack ambush > /tmp/said & while ! [ -s /tmp/said ]; do :; done');
  for (let tries = 0; tries < 40; tries++) {
    const run = stage.exec(id, ['/bin/true']).then(() => true, () => true);
    if (await within(300, run)) continue;
    // It may have been stopped after its execve, which holds nobody back.
    const signal = stage.engine.containers.kill({ container: id, signal: 'SIGWINCH' }).then(() => true, () => true);
    if (!(await within(1_000, signal))) return id;
  }
  return undefined;
}

async function within(ms: number, settled: Promise<boolean>): Promise<boolean> {
  return Promise.race([settled, sleep(ms, false)]);
}
