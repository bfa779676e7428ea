/** A kernel with the lab in a child, and what the tests look at. */
import { rm, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { bootKernel, definePlugin, type Kernel, type KernelEntry, type KernelOptions, type Plugin, type PluginState } from '#core/kernel/index.js';
import { createLogger, type LogRecord } from '#core/log/index.js';
import { Greeter, Lab, makeLab } from './lab-plugin.js';

export const labModule = new URL('lab-plugin.js', import.meta.url).href;

export interface LabKernel {
  readonly kernel: Kernel;
  readonly lab: Lab;
  readonly logged: LogRecord[];
  readonly folder: string;
}

export function labEntry(config: Record<string, unknown> = {}, over: Partial<KernelEntry> = {}): KernelEntry {
  return { plugin: makeLab(), config, isolation: 'process', module: labModule, ...over };
}

export async function bootLab(t: ExecutionContext, entry: KernelEntry = labEntry(), options: Partial<KernelOptions> = {}): Promise<LabKernel> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const logged: LogRecord[] = [];
  const log = createLogger({ level: 'trace', write: (line) => void logged.push(JSON.parse(line) as LogRecord) });
  const kernel = await bootKernel({ plugins: [entry, { plugin: greeter }], root: folder, runRoot: folder, log, state: memory, restart: { delay: 10 }, ...options });
  t.teardown(() => kernel.close());
  return { kernel, lab: kernel.port(Lab), logged, folder };
}

/** Whether a process is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}

/** Lab processes that any thread of this process has started. */
export async function children(): Promise<number[]> {
  const threads = await readdir('/proc/self/task');
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, 'utf8').catch(() => '')));
  const pids = lists.join(' ').split(' ').filter(Boolean).map(Number);
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, i) => names[i]?.includes('lab-plugin') || names[i]?.startsWith('core: lab'));
}

const greeter: Plugin = definePlugin({
  name: 'greeter', version: '1.0.0', api: 1, provides: { greeter: Greeter },
  setup: () => ({
    greeter: {
      hello: async ({ name }) => `hello ${name}`,
      async *chatter() {
        for (let n = 1; ; n++) yield `word ${n}`;
      },
    },
  }),
});

function memory(): PluginState {
  const values = new Map<string, unknown>();
  return {
    get: async (key) => values.get(key),
    put: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
    list: async (prefix = '') => [...values].filter(([key]) => key.startsWith(prefix)),
  };
}
