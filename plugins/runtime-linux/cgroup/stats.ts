/** What a container uses, from v1 and v2 files, and from its processes where it has no group of a kind. Called by `driver.ts`. */
import { readFile } from 'node:fs/promises';
import type { Stats } from '@core/core/plugin';
import type { Container } from '../container.js';
import type { CgroupLayout, Controller } from './layout.js';
import { processesOf } from './members.js';
import { groupHome, type GroupHome } from './paths.js';

export async function containerStats(container: Container, layout: CgroupLayout): Promise<Stats> {
  const homes = (controller: Controller): GroupHome | undefined => groupHome(layout, { controller, path: container.paths.cgroup });
  const pids = await processesOf(container);
  const unified = layout.unified === undefined ? undefined : layout.unified + container.paths.cgroup;
  const [cpu, memory, tasks, io] = await Promise.all([
    cpuStats({ unified, cpu: homes('cpu'), cpuacct: homes('cpuacct'), pids }),
    memoryStats(homes('memory'), pids),
    pidStats(homes('pids'), pids),
    ioStats(homes('blkio'), pids),
  ]);
  return { id: container.id, time: Date.now(), cpu, memory, pids: tasks, io };
}

interface CpuHomes {
  readonly unified: string | undefined;
  readonly cpu: GroupHome | undefined;
  readonly cpuacct: GroupHome | undefined;
  readonly pids: readonly number[];
}

/** Every v2 group has the usage, with or without its cpu controller; throttling is told by whoever throttles. */
async function cpuStats({ unified, cpu, cpuacct, pids }: CpuHomes): Promise<Stats['cpu']> {
  const own = keyed(unified === undefined ? undefined : await text(`${unified}/cpu.stat`));
  const throttle = cpu?.version === 1 ? keyed(await text(`${cpu.folder}/cpu.stat`)) : own;
  const v1 = own.has('usage_usec') || !cpuacct ? undefined : await text(`${cpuacct.folder}/cpuacct.usage`);
  return {
    usageUsec: own.get('usage_usec') ?? (v1 === undefined ? await processCpu(pids) : Math.floor(Number(v1) / 1000)),
    throttledPeriods: throttle.get('nr_throttled') ?? 0,
    throttledUsec: throttle.get('throttled_usec') ?? Math.floor((throttle.get('throttled_time') ?? 0) / 1000),
  };
}

/** Of a clock tick, in which /proc tells the time of processes on every architecture. */
const TICK_USEC = 10_000;

/** Without a group that counts: what the living processes used, and their children that have ended. The name in brackets may hold anything. */
async function processCpu(pids: readonly number[]): Promise<number> {
  const all = await Promise.all(pids.map(async (pid) => /^\d+ \(.*\) \S+(?: \S+){10} (\d+) (\d+) (\d+) (\d+) /s.exec((await text(`/proc/${pid}/stat`)) ?? '')?.slice(1) ?? []));
  return all.flat().reduce((total, ticks) => total + Number(ticks) * TICK_USEC, 0);
}

/** v1 writes "no limit" as a page-rounded 2^63. */
const NO_LIMIT_V1 = 2 ** 62;

async function memoryStats(home: GroupHome | undefined, pids: readonly number[]): Promise<Stats['memory']> {
  const usage = home && (await number(`${home.folder}/${home.version === 1 ? 'memory.usage_in_bytes' : 'memory.current'}`));
  if (!home || usage === undefined) return processMemory(pids);
  const [stat, limit, swap, events] = await Promise.all([
    text(`${home.folder}/memory.stat`),
    number(`${home.folder}/${home.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'}`),
    number(`${home.folder}/${home.version === 1 ? 'memory.memsw.usage_in_bytes' : 'memory.swap.current'}`),
    text(`${home.folder}/${home.version === 1 ? 'memory.oom_control' : 'memory.events'}`),
  ]);
  const fields = keyed(stat);
  const inactive = fields.get('total_inactive_file') ?? fields.get('inactive_file') ?? 0;
  return {
    usage,
    ...(limit !== undefined && limit < NO_LIMIT_V1 && { limit }),
    workingSet: Math.max(0, usage - inactive),
    swap: Math.max(0, home.version === 1 ? (swap ?? usage) - usage : (swap ?? 0)),
    oomKills: keyed(events).get('oom_kill') ?? 0,
  };
}

/** Without a memory group: each process's share of the pages it maps. */
async function processMemory(pids: readonly number[]): Promise<Stats['memory']> {
  const rollups = await Promise.all(pids.map(async (pid) => keyed((await text(`/proc/${pid}/smaps_rollup`))?.replaceAll(':', ' '))));
  const sum = (field: string): number => rollups.reduce((total, rollup) => total + (rollup.get(field) ?? 0) * 1024, 0);
  return { usage: sum('Pss'), workingSet: sum('Pss'), swap: sum('SwapPss'), oomKills: 0 };
}

async function pidStats(home: GroupHome | undefined, pids: readonly number[]): Promise<Stats['pids']> {
  const current = home && (await number(`${home.folder}/pids.current`));
  if (!home || current === undefined) return { current: pids.length };
  const limit = await number(`${home.folder}/pids.max`);
  return { current, ...(limit !== undefined && { limit }) };
}

async function ioStats(home: GroupHome | undefined, pids: readonly number[]): Promise<Stats['io']> {
  const found = home && (await text(`${home.folder}/${home.version === 1 ? 'blkio.throttle.io_service_bytes' : 'io.stat'}`));
  if (found === undefined || !home) return processIo(pids);
  return home.version === 1 ? { readBytes: sumOf(found, /^\d+:\d+ Read (\d+)$/gm), writeBytes: sumOf(found, /^\d+:\d+ Write (\d+)$/gm) } : { readBytes: sumOf(found, /rbytes=(\d+)/g), writeBytes: sumOf(found, /wbytes=(\d+)/g) };
}

/** Without a group of block io: what the living processes caused. */
async function processIo(pids: readonly number[]): Promise<Stats['io']> {
  const all = await Promise.all(pids.map(async (pid) => keyed((await text(`/proc/${pid}/io`))?.replaceAll(':', ' '))));
  const sum = (field: string): number => all.reduce((total, io) => total + (io.get(field) ?? 0), 0);
  return { readBytes: sum('read_bytes'), writeBytes: sum('write_bytes') };
}

/** A file that is gone, or not there in this group, has no number; neither has `max`. */
async function number(path: string): Promise<number | undefined> {
  const found = (await text(path))?.trim();
  return found === undefined || !/^-?[0-9]+$/.test(found) ? undefined : Number(found);
}

async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Lines of `name number`. */
function keyed(content: string | undefined): Map<string, number> {
  const pairs = (content ?? '').matchAll(/^(\S+)\s+(\d+)/gm);
  return new Map([...pairs].map(([, name, value]) => [name as string, Number(value)]));
}

function sumOf(content: string, pattern: RegExp): number {
  return [...content.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
}
