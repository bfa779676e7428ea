/** `linux` of a spec: namespaces, mappings, devices, paths, sysctls. Called by `validate/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { at, type Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import type { HostFacts } from '../plan/input.js';
import { joinable } from '../plan/namespaces.js';
import { isClean } from '../spec/mounts.js';
import { sysctlNamespace } from '../spec/sysctls.js';
import { checkContainerMappings } from './mappings.js';
import { checkResources } from './resources.js';
import { checkSeccomp } from './seccomp.js';
import { isCount, isObject, isText, isU32 } from './values.js';

const TYPES: readonly string[] = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];

export interface LinuxContext {
  readonly issues: Issues;
  readonly host: HostFacts;
  /** The types of namespaces that can be joined here. */
  readonly joined?: ReadonlySet<Oci.NamespaceType>;
}

export function checkLinux(spec: Oci.Spec, { issues, host, joined = joinable }: LinuxContext): void {
  const { linux = {} } = spec;
  checkNamespaces(linux.namespaces ?? [], { issues, joined });
  if (newNamespaces(spec).has('user')) {
    checkContainerMappings(linux.uidMappings ?? [], { path: 'spec.linux.uidMappings', issues });
    checkContainerMappings(linux.gidMappings ?? [], { path: 'spec.linux.gidMappings', issues });
  }
  checkTimeOffsets(linux, issues);
  checkNetDevices(linux, issues);
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

function checkNamespaces(namespaces: readonly Oci.Namespace[], { issues, joined }: Pick<LinuxContext, 'issues'> & { readonly joined: ReadonlySet<Oci.NamespaceType> }): void {
  const seen = new Set<string>();
  namespaces.forEach(({ type, path }, index) => {
    const where = `spec.linux.namespaces[${index}]`;
    issues.expect(TYPES.includes(type), `${where}.type`, `no namespace is called ${JSON.stringify(type)}`);
    issues.expect(!seen.has(type), `${where}.type`, 'is there twice');
    seen.add(type);
    if (path === undefined) return;
    issues.expect(isClean(path), `${where}.path`, 'must be an absolute path');
    issues.expect(joined.has(type), `${where}.path`, `joining a ${type} namespace is not supported`);
  });
}

interface Where {
  readonly path: string;
  readonly issues: Issues;
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

/** As the kernel has it for names of links. */
const LINK_NAME = /^(?!\.{1,2}$)[^\s/:%]{1,15}$/;

function checkNetDevices({ netDevices = {}, namespaces = [] }: Oci.Linux, issues: Issues): void {
  const names = Object.entries(netDevices).map(([name, { name: as = name }]) => [name, as] as const);
  issues.expect(names.length === 0 || namespaces.some(({ type }) => type === 'network'), 'spec.linux.netDevices', "take a network namespace of the container's own");
  for (const [name, as] of names) {
    const path = at('spec.linux.netDevices', name);
    issues.expect(isText(name) && LINK_NAME.test(name) && isText(as) && LINK_NAME.test(as), path, 'is the name of a link: at most 15 characters, without spaces, "/", ":" and "%"');
    issues.expect(as !== 'lo' && names.filter(([, other]) => other === as).length === 1, path, `gives a name that is taken: ${as}`);
  }
}

function checkDevice(device: Oci.Device, { path, issues }: Where): void {
  issues.expect(isObject(device) && isClean(device.path) && device.path !== '/', `${path}.path`, 'must be an absolute path');
  issues.expect(['c', 'b', 'u', 'p'].includes(device.type), `${path}.type`, 'is c, b, u or p');
  const numbered = isU32(device.major) && isU32(device.minor);
  issues.expect(device.type === 'p' || numbered, path, 'needs a major and a minor number');
  issues.expect(device.fileMode === undefined || isCount(device.fileMode), `${path}.fileMode`, 'is a file mode');
}

function checkSysctls(spec: Oci.Spec, issues: Issues): void {
  const { linux = {} } = spec;
  const name = linux.sysctl?.['kernel.domainname'];
  issues.expect(!spec.domainname || name === undefined || name === spec.domainname, at('spec.linux.sysctl', 'kernel.domainname'), 'conflicts with domainname, which would have the last word');
  for (const [name, value] of Object.entries(linux.sysctl ?? {})) {
    const path = at('spec.linux.sysctl', name);
    const namespace = sysctlNamespace(name);
    issues.expect(isText(value), path, 'must be text');
    if (!issues.expect(namespace !== undefined, path, 'belongs to the whole machine, not to a container')) continue;
    const own = linux.namespaces?.some(({ type }) => type === namespace) ?? false;
    issues.expect(own, path, `takes a ${namespace} namespace of the container's own`);
  }
}
