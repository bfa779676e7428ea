/**
 * The processes of a container without a cgroup. Comes in: the pid of its first process. Goes out: all of them, by the pid namespace that process began. Called by
 * `cgroup/members.ts`.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { CoreError } from '@core/core/plugin';

interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly namespace: string | undefined;
}

/**
 * Host pids; those in pid namespaces begun inside are children of one that is not. What ends meanwhile is left out. Throws E_UNSUPPORTED when the namespace is
 * not the container's own: whoever asks may be about to end them.
 */
export async function processesInside(first: number): Promise<number[]> {
  const [namespace, status] = await Promise.all([namespaceOf(first), statusOf(first)]);
  if (namespace === undefined || status === '') return [];
  if (!/^NSpid:.*\s1$/m.test(status)) throw new CoreError('E_UNSUPPORTED', { message: 'the container has neither a cgroup nor a pid namespace, so its processes cannot be told from others' });
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = (await Promise.all(entries.map(look))).filter((process) => process !== undefined);
  const inside = new Set(seen.filter((process) => process.namespace === namespace).map(({ pid }) => pid));
  for (let size = 0; size < inside.size; ) {
    size = inside.size;
    for (const { pid, parent } of seen) if (inside.has(parent)) inside.add(pid);
  }
  return [...inside];
}

/** Other users' processes do not show theirs, and none of them is in a container of this one's. */
async function look(pid: number): Promise<Seen | undefined> {
  const [status, namespace] = await Promise.all([statusOf(pid), namespaceOf(pid)]);
  const [, parent] = /^PPid:\s*(\d+)/m.exec(status) ?? [];
  return parent === undefined ? undefined : { pid, parent: Number(parent), namespace };
}

function statusOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
}

function namespaceOf(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
}
