/** `core-oci update`: new limits for a container that is there. Called by `program.ts`. */
import { readFileSync } from 'node:fs';
import type { Oci } from '@core/core/plugin';
import { changedLimits, mergeResources } from '../cgroup/change.js';
import { missingControllers } from '../cgroup/limits.js';
import { applyLimits } from '../cgroup/update.js';
import { exceededLimit } from '../cgroup/usage.js';
import { machineFacts } from '../facts.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { memberFolder, processesIn } from './groups.js';
import { hasProcess, load, save, statusOf } from './state.js';
import { withoutUnset } from './unset.js';

/** Numbers are texts as they were given. */
export interface UpdateOptions {
  readonly resources?: string | undefined;
  readonly memory?: string | undefined;
  readonly memoryReservation?: string | undefined;
  readonly memorySwap?: string | undefined;
  readonly cpuPeriod?: string | undefined;
  readonly cpuQuota?: string | undefined;
  readonly cpuBurst?: string | undefined;
  readonly cpuShare?: string | undefined;
  readonly cpuIdle?: string | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly pidsLimit?: string | undefined;
  readonly blkioWeight?: string | undefined;
}

export async function update({ root }: Globals, id: string, options: UpdateOptions): Promise<void> {
  const container = load(root, id);
  if (!hasProcess(statusOf(container))) throw new OciFailure('container not running');
  const { record, folder } = container;
  const { devices: _, ...resources } = options.resources === undefined ? resourcesOf(options) : withoutUnset(readResources(options.resources));
  const { cgroups } = machineFacts();
  const missing = missingControllers(cgroups, resources);
  if (missing.length > 0) throw new OciFailure(`this machine has no cgroup controller for ${missing.join(', ')}`);
  const members = memberFolder(record.groups);
  const merged = mergeResources(record.config.linux?.resources ?? {}, resources);
  const exceeded = exceededLimit(cgroups, { path: record.cgroup, changes: resources, merged });
  if (exceeded) throw new OciFailure(exceeded);
  await applyLimits(changedLimits(cgroups, { path: record.cgroup, changes: resources, merged }), {
    object: { kind: 'container', id },
    members: () => Promise.resolve(members === undefined ? [] : processesIn(members)),
    onGroup: () => {},
  });
  save(folder, { ...record, config: { ...record.config, linux: { ...record.config.linux, resources: merged } } });
}

function readResources(path: string): Oci.Resources {
  try {
    return JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8')) as Oci.Resources;
  } catch (thrown) {
    throw new OciFailure(`cannot read the resources ${path}: ${(thrown as Error).message}`);
  }
}

export function resourcesOf(options: UpdateOptions): Oci.Resources {
  const memory = given({ limit: bytes(options.memory), reservation: bytes(options.memoryReservation), swap: bytes(options.memorySwap) });
  const cpu = given({
    period: whole(options.cpuPeriod), quota: whole(options.cpuQuota), burst: whole(options.cpuBurst), shares: whole(options.cpuShare), idle: whole(options.cpuIdle),
    cpus: options.cpusetCpus, mems: options.cpusetMems,
  });
  const pids = whole(options.pidsLimit);
  const weight = whole(options.blkioWeight);
  return given({ memory, cpu, pids: pids === undefined ? undefined : { limit: pids }, blockIO: weight === undefined ? undefined : { weight } }) ?? {};
}

/** Without what is undefined; nothing at all when that is all. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } | undefined {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : (Object.fromEntries(known) as { [K in keyof T]?: Exclude<T[K], undefined> });
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number)) throw new OciFailure(`invalid value ${JSON.stringify(text)}: must be a whole number`);
  return number;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

function bytes(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^([0-9]+)([bkmgt]?)b?$/i.exec(text ?? '') ?? [];
  return number === undefined ? whole(text) : Number(number) * (UNITS[unit.toLowerCase()] as number);
}
