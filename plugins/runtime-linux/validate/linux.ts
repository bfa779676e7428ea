/** `linux` of a spec: namespaces, mappings, devices, paths, sysctls. Called by `validate/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { at, type Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import { isMapped } from '../plan/ids.js';
import type { HostFacts } from '../plan/input.js';
import { joinable } from '../plan/namespaces.js';
import { isClean } from '../spec/mounts.js';
import { sysctlNamespace } from '../spec/sysctls.js';
import { checkResources } from './resources.js';
import { checkSeccomp } from './seccomp.js';
import { isCount, isObject, isText, isU32 } from './values.js';

const TYPES: readonly string[] = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];

export function checkLinux(spec: Oci.Spec, { issues, host }: { readonly issues: Issues; readonly host: HostFacts }): void {
  const { linux = {} } = spec;
  checkNamespaces(linux.namespaces ?? [], issues);
  if (newNamespaces(spec).has('user')) {
    checkMappings(linux.uidMappings ?? [], { path: 'spec.linux.uidMappings', issues });
    checkMappings(linux.gidMappings ?? [], { path: 'spec.linux.gidMappings', issues });
  }
  checkTimeOffsets(linux, issues);
  (linux.devices ?? []).forEach((device, index) => checkDevice(device, { path: `spec.linux.devices[${index}]`, issues }));
  for (const key of ['maskedPaths', 'readonlyPaths'] as const) {
    linux[key]?.forEach((path, index) => {
      if (!isClean(path)) issues.add(`spec.linux.${key}[${index}]`, 'must be an absolute path');
    });
  }
  checkSysctls(spec, issues);
  for (const [key, value] of Object.entries(spec.annotations ?? {})) issues.expect(typeof value === 'string', at('spec.annotations', key), 'must be text');
  issues.expect(linux.cgroupsPath === undefined || (isText(linux.cgroupsPath) && isClean(linux.cgroupsPath) && linux.cgroupsPath !== '/'), 'spec.linux.cgroupsPath', 'must be an absolute path below the root');
  issues.expect(/^(r?(shared|slave|private|unbindable))?$/.test(linux.rootfsPropagation ?? ''), 'spec.linux.rootfsPropagation', 'is shared, slave, private or unbindable');
  checkResources(linux.resources ?? {}, { issues, host });
  if (linux.seccomp) checkSeccomp(linux.seccomp, issues);
}

function checkNamespaces(namespaces: readonly Oci.Namespace[], issues: Issues): void {
  const seen = new Set<string>();
  namespaces.forEach(({ type, path }, index) => {
    const where = `spec.linux.namespaces[${index}]`;
    issues.expect(TYPES.includes(type), `${where}.type`, `no namespace is called ${JSON.stringify(type)}`);
    issues.expect(!seen.has(type), `${where}.type`, 'is there twice');
    seen.add(type);
    if (path === undefined) return;
    issues.expect(isClean(path), `${where}.path`, 'must be an absolute path');
    issues.expect(joinable.has(type), `${where}.path`, `joining a ${type} namespace is not supported`);
  });
}

interface Where {
  readonly path: string;
  readonly issues: Issues;
}

function checkMappings(mappings: readonly Oci.IdMapping[], { path, issues }: Where): void {
  // The kernel's bound for one map.
  issues.expect(mappings.length > 0 && mappings.length <= 340, path, 'a user namespace needs between 1 and 340 ranges');
  mappings.forEach(({ containerID, hostID, size }, index) => {
    const where = `${path}[${index}]`;
    const sound = isU32(containerID) && isU32(hostID) && isCount(size) && size > 0 && isU32(containerID + size - 1) && isU32(hostID + size - 1);
    if (!issues.expect(sound, where, 'is a range of ids below 2^32')) return;
    const overlaps = mappings.some((other, at) => at < index && (meet([containerID, size], [other.containerID, other.size]) || meet([hostID, size], [other.hostID, other.size])));
    issues.expect(!overlaps, where, 'overlaps another range');
  });
  issues.expect(isMapped(mappings, 0), path, 'must map id 0, which sets the container up');
}

function meet([a, sizeA]: readonly [number, number], [b, sizeB]: readonly [number, number]): boolean {
  return a < b + sizeB && b < a + sizeA;
}

function checkTimeOffsets(linux: Oci.Linux, issues: Issues): void {
  const entries = Object.entries(linux.timeOffsets ?? {});
  const own = linux.namespaces?.some(({ type, path }) => type === 'time' && path === undefined) ?? false;
  issues.expect(entries.length === 0 || own, 'spec.linux.timeOffsets', 'take a time namespace');
  for (const [clock, { secs = 0, nanosecs = 0 }] of entries) {
    const path = at('spec.linux.timeOffsets', clock);
    issues.expect(clock === 'monotonic' || clock === 'boottime', path, 'only monotonic and boottime have an offset');
    issues.expect(Number.isSafeInteger(secs) && isCount(nanosecs) && nanosecs < 1e9, path, 'is whole seconds and nanoseconds below 10^9');
  }
}

function checkDevice(device: Oci.Device, { path, issues }: Where): void {
  issues.expect(isObject(device) && isClean(device.path) && device.path !== '/', `${path}.path`, 'must be an absolute path');
  issues.expect(['c', 'b', 'u', 'p'].includes(device.type), `${path}.type`, 'is c, b, u or p');
  const numbered = isU32(device.major) && isU32(device.minor);
  issues.expect(device.type === 'p' || numbered, path, 'needs a major and a minor number');
  issues.expect(device.fileMode === undefined || isCount(device.fileMode), `${path}.fileMode`, 'is a file mode');
}

function checkSysctls({ linux = {} }: Oci.Spec, issues: Issues): void {
  for (const [name, value] of Object.entries(linux.sysctl ?? {})) {
    const path = at('spec.linux.sysctl', name);
    const namespace = sysctlNamespace(name);
    issues.expect(isText(value), path, 'must be text');
    if (!issues.expect(namespace !== undefined, path, 'belongs to the whole machine, not to a container')) continue;
    const own = linux.namespaces?.some(({ type }) => type === namespace) ?? false;
    issues.expect(own, path, `takes a ${namespace} namespace of the container's own`);
  }
}
