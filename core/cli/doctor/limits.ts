/** Limits of this machine that many containers run into first. */
import { limited, ok, type Check, type Finding } from './check.js';
import type { Machine } from './machine.js';
import { formatBytes } from '../format.js';

export const limitChecks: readonly Check[] = [
  { name: 'open files', group: 'limits', run: openFiles },
  { name: 'processes', group: 'limits', run: processes },
  { name: 'free memory', group: 'limits', run: memory },
];

const FEW_FILES = 4096;

/** Some ten descriptors per running container, in the executor and in Node. */
async function openFiles(machine: Machine): Promise<Finding> {
  const [, soft = '', hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec((await machine.read('/proc/self/limits')) ?? '') ?? [];
  const most = hard === 'unlimited' ? Infinity : Number(hard || 0);
  if (most >= FEW_FILES) return ok(`${soft}, at most ${hard}`);
  return limited(`${soft}, at most ${hard}`, { cost: `Room for some ${Math.floor(most / 10)} containers at a time.`, mend: 'ulimit -Hn 65536 before the start, or LimitNOFILE= in the unit.' });
}

async function processes(machine: Machine): Promise<Finding> {
  const most = Number((await machine.read('/proc/sys/kernel/pid_max')) ?? 0);
  if (most > 32_768) return ok(`${most} pids`);
  return limited(`${most} pids`, { cost: 'Containers share them: with the default of 4096 each, eight can use them up.', mend: 'sysctl -w kernel.pid_max=4194304' });
}

async function memory(machine: Machine): Promise<Finding> {
  const [, kibibytes = '0'] = /^MemAvailable:\s+(\d+) kB/m.exec((await machine.read('/proc/meminfo')) ?? '') ?? [];
  const bytes = Number(kibibytes) * 1024;
  const found = `${formatBytes(bytes)} available`;
  return bytes >= 256 * 1024 ** 2 ? ok(found) : limited(found, { cost: 'The out-of-memory killer may strike at any time.', mend: 'Stop something, or give containers a memory limit.' });
}
