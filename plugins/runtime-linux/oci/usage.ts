/** What a container uses, in the form that callers of runc read. Comes in: its cgroup path and the machine's layout. Goes out: the `data` of an event. Called by `events.ts`. */
import { readdirSync, readFileSync } from 'node:fs';
import type { CgroupLayout, Controller } from '../cgroup/layout.js';
import { groupHome } from '../cgroup/paths.js';

interface Group {
  readonly version: 1 | 2 | undefined;
  /** The text of the file that has it in this version; '' where there is none. */
  readonly read: (v1: string, v2?: string) => string;
  readonly files: readonly string[];
}

export function usageOf(layout: CgroupLayout, path: string): Record<string, unknown> {
  const group = (controller: Controller): Group => {
    const home = groupHome(layout, { controller, path });
    const read = (v1: string, v2 = ''): string => (home ? text(`${home.folder}/${home.version === 1 ? v1 : v2}`) : '');
    return { version: home?.version, read, files: home ? names(home.folder) : [] };
  };
  const unified = layout.unified === undefined ? '' : text(`${layout.unified}${path}/cpu.stat`);
  return {
    cpu: { usage: cpuUsage(group('cpuacct'), unified), throttling: throttling(group('cpu')) },
    cpuset: cpuset(group('cpuset')),
    memory: memory(group('memory')),
    pids: pids(group('pids')),
    blkio: blkio(group('blkio')),
    hugetlb: hugetlb(group('hugetlb')),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** How often the kernel has ended a process of it for want of memory. */
export function oomKills(layout: CgroupLayout, path: string): number {
  const home = groupHome(layout, { controller: 'memory', path });
  return home ? (keyed(text(`${home.folder}/${home.version === 1 ? 'memory.oom_control' : 'memory.events'}`)).get('oom_kill') ?? 0) : 0;
}

/** Nanoseconds; v1 alone tells it by processor. */
function cpuUsage({ version, read }: Group, unified: string): Record<string, unknown> {
  const own = keyed(unified);
  const microseconds = (field: string): number => (own.get(field) ?? 0) * 1000;
  const total = version === 1 ? number(read('cpuacct.usage')) : microseconds('usage_usec');
  const percpu = read('cpuacct.usage_percpu').trim().split(/\s+/).filter(Boolean).map(Number);
  return { total, ...(percpu.length > 0 && { percpu }), kernel: microseconds('system_usec'), user: microseconds('user_usec') };
}

function throttling({ read }: Group): Record<string, number> {
  const stat = keyed(read('cpu.stat', 'cpu.stat'));
  return {
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledTime: stat.get('throttled_time') ?? (stat.get('throttled_usec') ?? 0) * 1000,
  };
}

/** Lists of numbers are told one by one. */
function cpuset({ read }: Group): Record<string, unknown> {
  const list = (v1: string, v2: string): number[] => ranges(read(v1, v2));
  const flag = (name: string): number => number(read(name));
  return {
    cpus: list('cpuset.cpus', 'cpuset.cpus.effective'), cpu_exclusive: flag('cpuset.cpu_exclusive'),
    mems: list('cpuset.mems', 'cpuset.mems.effective'), mem_hardwall: flag('cpuset.mem_hardwall'), mem_exclusive: flag('cpuset.mem_exclusive'),
    memory_migrate: flag('cpuset.memory_migrate'), memory_spread_page: flag('cpuset.memory_spread_page'), memory_spread_slab: flag('cpuset.memory_spread_slab'),
    memory_pressure: flag('cpuset.memory_pressure'), sched_load_balance: flag('cpuset.sched_load_balance'), sched_relax_domain_level: flag('cpuset.sched_relax_domain_level'),
  };
}

function memory({ version, read }: Group): Record<string, unknown> {
  const raw = keyed(read('memory.stat', 'memory.stat'));
  const v1 = (kind: string): Record<string, number> => ({
    limit: number(read(`${kind}.limit_in_bytes`)), usage: number(read(`${kind}.usage_in_bytes`)), max: number(read(`${kind}.max_usage_in_bytes`)), failcnt: number(read(`${kind}.failcnt`)),
  });
  const events = keyed(read('', 'memory.events'));
  const v2 = (name: string): Record<string, number> => ({ limit: number(read('', `${name}.max`)), usage: number(read('', `${name}.current`)), max: number(read('', `${name}.peak`)), failcnt: name === 'memory' ? (events.get('max') ?? 0) : 0 });
  return {
    cache: raw.get('cache') ?? raw.get('file') ?? 0,
    usage: version === 2 ? v2('memory') : v1('memory'),
    // In v1 that of both together, in v2 swap alone: as each version has it.
    swap: version === 2 ? v2('memory.swap') : v1('memory.memsw'),
    kernel: version === 2 ? { limit: 0, usage: raw.get('kernel') ?? 0, max: 0, failcnt: 0 } : v1('memory.kmem'),
    kernelTCP: version === 2 ? { limit: 0, usage: raw.get('sock') ?? 0, max: 0, failcnt: 0 } : v1('memory.kmem.tcp'),
    raw: Object.fromEntries(raw),
  };
}

function pids({ read }: Group): Record<string, number> {
  return { current: number(read('pids.current', 'pids.current')), limit: number(read('pids.max', 'pids.max')) };
}

interface DeviceEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

function blkio({ version, read }: Group): Record<string, readonly DeviceEntry[]> {
  if (version === 2) {
    const stat = read('', 'io.stat');
    return { ioServiceBytesRecursive: v2Entries(stat, { rbytes: 'Read', wbytes: 'Write', dbytes: 'Discard' }), ioServicedRecursive: v2Entries(stat, { rios: 'Read', wios: 'Write', dios: 'Discard' }) };
  }
  return { ioServiceBytesRecursive: v1Entries(read('blkio.throttle.io_service_bytes_recursive')), ioServicedRecursive: v1Entries(read('blkio.throttle.io_serviced_recursive')) };
}

function v1Entries(content: string): DeviceEntry[] {
  return [...content.matchAll(/^([0-9]+):([0-9]+) (\S+) ([0-9]+)$/gm)].map(([, major, minor, op = '', value]) => ({ major: Number(major), minor: Number(minor), op, value: Number(value) }));
}

/** A line per device: `8:0 rbytes=1 wbytes=2`. */
function v2Entries(content: string, names: Readonly<Record<string, string>>): DeviceEntry[] {
  return [...content.matchAll(/^([0-9]+):([0-9]+) (.*)$/gm)].flatMap(([, major, minor, rest = '']) =>
    [...rest.matchAll(/(\w+)=([0-9]+)/g)].flatMap(([, key = '', value]) => (names[key] === undefined ? [] : [{ major: Number(major), minor: Number(minor), op: names[key], value: Number(value) }])));
}

/** By size of a page. */
function hugetlb({ version, read, files }: Group): Record<string, Record<string, number>> {
  const sizes = [...new Set(files.flatMap((name) => /^hugetlb\.([0-9]+[KMGT]B)\./.exec(name)?.[1] ?? []))];
  return Object.fromEntries(sizes.map((size) => {
    const file = (v1: string, v2: string): number => number(read(`hugetlb.${size}.${v1}`, `hugetlb.${size}.${v2}`));
    const failures = version === 2 ? (keyed(read('', `hugetlb.${size}.events`)).get('max') ?? 0) : file('failcnt', '');
    return [size, { usage: file('usage_in_bytes', 'current'), max: file('max_usage_in_bytes', 'none'), failcnt: failures }];
  }));
}

/** `0-2,5` */
export function ranges(list: string): number[] {
  return list.trim().split(',').filter(Boolean).flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** `max`, and what is not there, is 0. */
function number(content: string): number {
  return /^[0-9]+\s*$/.test(content) ? Number(content) : 0;
}

function keyed(content: string): Map<string, number> {
  return new Map([...content.matchAll(/^(\S+)\s+(\d+)$/gm)].map(([, name, value]) => [name as string, Number(value)]));
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
