/** Network namespaces. Comes in: the test's folders. Goes out: each namespace the test's processes, their fds or a mount keep alive. Called by the oracle. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { mountEntries } from './kernel-objects.js';
import type { Scope, Things } from './oracle.js';
import { ownProcesses } from './processes.js';

export function netNamespaces(scope: Scope): Things {
  const found = new Map<string, string>();
  const hold = (name: string, holder: string): void => {
    found.set(name, found.has(name) ? `${found.get(name)}; ${holder}` : holder);
  };
  for (const pid of [process.pid, ...ownProcesses(scope).map((entry) => entry.pid)]) {
    const own = link(`/proc/${pid}/ns/net`);
    if (own) hold(own, `process ${pid}`);
    for (const target of openNamespaces(pid)) hold(target, `an fd of process ${pid}`);
  }
  for (const { root, point } of mountEntries()) if (root.startsWith('net:[')) hold(root, `mounted on ${point}`);
  return found;
}

/**
 * By inode: a namespace file opened where it is mounted reads as that path, not as `net:[...]`. Of what kind it is only an
 * ioctl could say; that of any other kind counts too, because no one but us has a reason to hold one.
 */
function openNamespaces(pid: number): string[] {
  const kernelFiles = statSync('/proc/self/ns/net').dev;
  return names(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
    return target?.dev === kernelFiles && target.isFile() ? [`net:[${target.ino}]`] : [];
  });
}

/** What the fds of a process lead to; empty when it is gone. */
export function openFiles(pid: number): string[] {
  return names(`/proc/${pid}/fd`).flatMap((fd) => link(`/proc/${pid}/fd/${fd}`) ?? []);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
