/**
 * The rules of container options that look at more than one field. Comes in: options whose fields are well-formed each. Goes
 * out: the faults, with their paths. Called by the schema in `container-options.ts`.
 */
import type { ContainerSettings } from '../contracts/index.js';
import type { Limits } from './container-options.js';

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Check = (options: ContainerSettings) => Iterable<Fault>;

/** Every fault, not just the first. */
export function checkOptions(options: ContainerSettings): Fault[] {
  return [...checkLimits(options), ...CHECKS.flatMap((check) => [...check(options)])];
}

export function checkLimits(limits: Omit<Limits, 'pids'>): Fault[] {
  const faults: Fault[] = [];
  const fault = (name: string, message: string) => faults.push({ path: [name], message });
  const { memory, memoryReservation, memorySwap, cpus, cpuQuota, cpuPeriod } = limits;
  if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) fault('memoryReservation', 'is above memory');
  if (memorySwap !== undefined && memorySwap !== -1 && memory !== undefined && memorySwap < memory) fault('memorySwap', 'is memory plus swap, so it cannot be below memory');
  if (memorySwap !== undefined && memorySwap !== -1 && memory === undefined) fault('memorySwap', 'needs memory as well');
  if (cpus !== undefined && cpuQuota !== undefined) fault('cpuQuota', 'says the same as cpus; give one of the two');
  if (cpus !== undefined && cpuPeriod !== undefined) fault('cpuPeriod', 'is chosen by cpus; give one of the two');
  return faults;
}

const mountTargets: Check = function* ({ mounts }) {
  const seen = new Map<string, number>();
  for (const [index, { target }] of mounts.entries()) {
    const first = seen.get(target);
    if (first === undefined) seen.set(target, index);
    else yield { path: ['mounts', index, 'target'], message: `${target} is already the target of mounts[${first}]` };
  }
};

const userNamespace: Check = function* ({ namespaces, idMappings, mounts }) {
  if (namespaces?.user === 'private') return;
  if (idMappings) yield { path: ['idMappings'], message: 'needs namespaces.user "private"' };
  for (const [index, mount] of mounts.entries()) {
    if (mount.type === 'bind' && mount.idmap) yield { path: ['mounts', index, 'idmap'], message: 'needs namespaces.user "private"' };
  }
};

const idRanges: Check = function* ({ idMappings }) {
  if (!idMappings) return;
  for (const kind of ['uids', 'gids'] as const) {
    for (const [index, range] of idMappings[kind].entries()) {
      for (const earlier of idMappings[kind].slice(0, index)) {
        const path = ['idMappings', kind, index];
        if (overlap(range.container, earlier.container, range.size, earlier.size)) yield { path: [...path, 'container'], message: 'overlaps an earlier range inside' };
        if (overlap(range.host, earlier.host, range.size, earlier.size)) yield { path: [...path, 'host'], message: 'overlaps an earlier range outside' };
      }
    }
  }
};

const names: Check = function* ({ namespaces, hostname, domainname, timeOffsets }) {
  for (const [path, name] of Object.entries({ hostname, domainname })) {
    if (name !== undefined && namespaces?.uts === 'host') yield { path: [path], message: "would rename the machine: it cannot go with namespaces.uts 'host'" };
  }
  if (timeOffsets && namespaces?.time !== 'private') yield { path: ['timeOffsets'], message: 'needs namespaces.time "private"' };
};

const capabilities: Check = function* ({ capabilities }) {
  for (const [index, name] of (capabilities?.drop ?? []).entries()) {
    if (name !== 'ALL' && capabilities?.add?.includes(name)) yield { path: ['capabilities', 'drop', index], message: `${name} is added and dropped` };
  }
};

/** Names that exist once per IPC namespace (ipc_namespaces(7)). */
const IPC_SYSCTLS = /^(fs\.mqueue\..+|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|auto_msgmni|msg_next_id|sem_next_id|shm_next_id))$/;

const sysctls: Check = function* ({ sysctls, network, namespaces }) {
  for (const name of Object.keys(sysctls ?? {})) {
    const dotted = name.replaceAll('/', '.');
    const fault = (message: string): Fault => ({ path: ['sysctls', name], message });
    if (dotted.startsWith('net.')) {
      if (network === 'host') yield fault('belongs to the network, which is the machine\'s own here (network "host")');
    } else if (IPC_SYSCTLS.test(dotted)) {
      if (namespaces?.ipc === 'host') yield fault("belongs to the IPC namespace, which is the machine's own here (namespaces.ipc \"host\")");
    } else if (dotted === 'kernel.domainname') {
      if (namespaces?.uts === 'host') yield fault("belongs to the UTS namespace, which is the machine's own here (namespaces.uts \"host\")");
    } else if (dotted === 'kernel.hostname') {
      yield fault('is set by the option hostname');
    } else if (!(dotted.startsWith('user.') && namespaces?.user === 'private')) {
      yield fault('is not a name of its own in each container: it would change the whole machine');
    }
  }
};

const CHECKS: readonly Check[] = [mountTargets, userNamespace, idRanges, names, capabilities, sysctls];

function overlap(first: number, second: number, firstSize: number, secondSize: number): boolean {
  return first < second + secondSize && second < first + firstSize;
}
