/** `core-oci events`: what a container uses, once or again and again until it ends. Called by `program.ts`. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupLayout, Controller } from '../cgroup/layout.js';
import { groupHome } from '../cgroup/paths.js';
import { machineFacts } from '../facts.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { print } from './print.js';
import { load, statusOf, type ContainerRecord } from './state.js';

export interface EventsOptions {
  readonly stats: boolean;
  /** Seconds. */
  readonly interval: number;
}

export async function events({ root }: Globals, id: string, { stats, interval }: EventsOptions): Promise<void> {
  const container = load(root, id);
  if (statusOf(container) === 'stopped') throw new OciFailure(`container with id ${id} is not running`);
  const { cgroups } = machineFacts();
  const tell = (): void => print(`${JSON.stringify({ type: 'stats', id, data: statsOf(container.record, cgroups) })}\n`);
  if (stats) return tell();
  for (;;) {
    await sleep(interval * 1000);
    if (statusOf(container) === 'stopped') return;
    tell();
  }
}

function statsOf({ cgroup }: ContainerRecord, layout: CgroupLayout): Record<string, unknown> {
  const file = (controller: Controller, v1: string, v2: string): string => {
    const home = groupHome(layout, { controller, path: cgroup });
    return home ? read(`${home.folder}/${home.version === 1 ? v1 : v2}`) : '';
  };
  const cpu = keyed(file('cpu', 'cpu.stat', 'cpu.stat'));
  const unified = layout.unified === undefined ? new Map<string, number>() : keyed(read(`${layout.unified}${cgroup}/cpu.stat`));
  const microseconds = (field: string): number => (unified.get(field) ?? 0) * 1000;
  const memory = keyed(file('memory', 'memory.stat', 'memory.stat'));
  return {
    cpu: {
      usage: { total: unified.has('usage_usec') ? microseconds('usage_usec') : number(file('cpuacct', 'cpuacct.usage', 'cpu.stat')), kernel: microseconds('system_usec'), user: microseconds('user_usec') },
      throttling: { periods: cpu.get('nr_periods') ?? 0, throttledPeriods: cpu.get('nr_throttled') ?? 0, throttledTime: cpu.get('throttled_time') ?? (cpu.get('throttled_usec') ?? 0) * 1000 },
    },
    memory: {
      cache: memory.get('cache') ?? memory.get('file') ?? 0,
      usage: { usage: number(file('memory', 'memory.usage_in_bytes', 'memory.current')), limit: number(file('memory', 'memory.limit_in_bytes', 'memory.max')), failcnt: number(file('memory', 'memory.failcnt', 'memory.none')) },
      raw: Object.fromEntries(memory),
    },
    pids: { current: number(file('pids', 'pids.current', 'pids.current')), limit: number(file('pids', 'pids.max', 'pids.max')) },
  };
}

/** `max`, and what is not there, is 0. */
function number(text: string): number {
  return /^[0-9]+\s*$/.test(text) ? Number(text) : 0;
}

function keyed(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^(\S+)\s+(\d+)$/gm)].map(([, name, value]) => [name as string, Number(value)]));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
