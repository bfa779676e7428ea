/** Rows: memory. What one container's monitor costs, and what an idle kernel costs, against what we allow ourselves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../stats.mjs';

const MONITORS = 100;
const MONITOR_BUDGET_KB = 100;
const KERNEL_BUDGET_MB = 90;

export const rows = [
  { name: 'monitor-pss', limit: 1, unit: 'kB', measure: monitors },
  { name: 'kernel-rss', limit: 1, unit: 'MB', measure: idleKernel },
];

async function monitors(harness) {
  const n = harness.times(MONITORS);
  const sdk = await harness.sdk();
  const containers = [];
  try {
    for (let i = 0; i < n; i++) containers.push(await sdk.run(harness.image, { command: ['/bin/sleep', '100000'], memory: '8m' }));
    const sizes = [];
    for (const container of containers) {
      const { pid } = await container.inspect();
      sizes.push(pssOf(parentOf(pid)));
    }
    return { ours: median(sizes), peer: MONITOR_BUDGET_KB, peerName: 'the limit', n, note: 'proportional set size of a monitor, the container running' };
  } finally {
    await Promise.all(containers.map((container) => container.remove()));
  }
}

/** A kernel in a process of its own with every plugin, served, half a second after it was ready. */
async function idleKernel(harness) {
  const script = `
    import { boot } from '@core/sdk';
    const sdk = await boot({ root: ${JSON.stringify(join(harness.folder, 'idle-root'))}, runRoot: ${JSON.stringify(join(harness.folder, 'idle-run'))} });
    await sdk.containers();
    process.send('ready');
    process.on('disconnect', () => sdk.close());`;
  const sizes = [];
  const n = Math.min(harness.times(5), 5);
  for (let i = 0; i < n; i++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (message !== 'ready') throw new Error('the kernel did not boot');
    await sleep(500);
    sizes.push(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024);
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  }
  return { ours: median(sizes), peer: KERNEL_BUDGET_MB, peerName: 'the limit', n };
}

function pssOf(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
}

function parentOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
