/** Which sysctls a container may have set: those of its own namespaces. Called by `spec/index.ts` and validation. */
import type { ContainerSettings, Oci } from '@core/core/plugin';
import { at, type Issues } from '../issues.js';

const IPC = new Set(['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced']);

/** `undefined`: no namespace has it, it is the whole machine's. */
export function sysctlNamespace(name: string): Oci.NamespaceType | undefined {
  if (!/^[a-z0-9_-]+([./][A-Za-z0-9_-]+)+$/.test(name)) return undefined;
  const dotted = name.replaceAll('/', '.');
  if (IPC.has(dotted) || dotted.startsWith('fs.mqueue.')) return 'ipc';
  if (dotted === 'kernel.domainname') return 'uts';
  if (dotted.startsWith('user.')) return 'user';
  return dotted.startsWith('net.') ? 'network' : undefined;
}

export function checkSysctls({ sysctls = {}, namespaces = {}, network }: ContainerSettings, issues: Issues): void {
  for (const name of Object.keys(sysctls)) {
    const namespace = sysctlNamespace(name);
    const path = at('sysctls', name);
    if (!issues.expect(namespace !== undefined, path, 'belongs to the whole machine, not to a container')) continue;
    const shared = namespace === 'network' ? network === 'host' : namespace === 'user' ? namespaces.user !== 'private' : namespaces[namespace as 'ipc' | 'uts'] === 'host';
    issues.expect(!shared, path, `the container shares the machine's ${namespace} namespace`);
  }
}
