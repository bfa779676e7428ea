/**
 * A machine whose containers are files, so that they outlive the process that drives them. Comes in: a folder. Goes out: a
 * runtime and an image provider on it, as far as the operations use them. Called by tests that kill a kernel at every step.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreError, type Images, type Runtime, type RuntimeStatus } from '@core/core/plugin';
import { createFakeImages, createFakeRuntime } from '#runtime-fake/index.js';

export interface FileMachine {
  readonly runtime: Runtime;
  readonly images: Images;
  /** Ids of what is on the machine, by what holds them. */
  held(): { readonly containers: string[]; readonly leases: string[] };
}

const POLL_MS = 2;

export function fileMachine(folder: string): FileMachine {
  const [bodies, leases] = [join(folder, 'containers'), join(folder, 'leases')];
  for (const path of [bodies, leases]) mkdirSync(path, { recursive: true });
  const names = (path: string): string[] => readdirSync(path).filter((name) => !name.endsWith('.new')).sort();
  const read = (id: string): RuntimeStatus => {
    try {
      return JSON.parse(readFileSync(join(bodies, id), 'utf8')) as RuntimeStatus;
    } catch {
      throw new CoreError('E_NOT_FOUND', { message: `there is no container ${id}` });
    }
  };
  const write = (status: RuntimeStatus): RuntimeStatus => {
    writeFileSync(join(bodies, `${status.id}.new`), JSON.stringify(status));
    renameSync(join(bodies, `${status.id}.new`), join(bodies, status.id));
    return status;
  };
  const remove = async ({ id }: { id: string }): Promise<void> => rmSync(join(bodies, id), { force: true });
  const list = (): RuntimeStatus[] => names(bodies).map(read);
  const fake = { runtime: createFakeRuntime(), images: createFakeImages() };
  const runtime: Runtime = {
    ...fake.runtime,
    create: async ({ id }) => {
      if (names(bodies).includes(id)) throw new CoreError('E_EXISTS', { message: `container ${id} exists` });
      return write({ id, state: 'created' });
    },
    start: async ({ id }) => {
      const { pid = 1, startedAt = Date.now() } = write({ ...read(id), state: 'running', pid: 1, startedAt: Date.now(), exit: undefined });
      return { id, pid, startedAt };
    },
    signal: async ({ id, signal }) => {
      if (!names(bodies).includes(id) || read(id).state !== 'running') return;
      const { startedAt = 0 } = read(id);
      write({ id, state: 'exited', startedAt, exit: { exitCode: 143, signal, oomKilled: false, startedAt, finishedAt: Date.now() } });
    },
    wait: async ({ id }, call) => {
      for (;;) {
        const { exit } = read(id);
        if (exit) return exit;
        await sleep(POLL_MS, undefined, { signal: call?.signal });
      }
    },
    status: async ({ id }) => read(id),
    list: async () => list(),
    remove,
    reconcile: async ({ alive }) => {
      for (const id of names(bodies)) if (!alive.includes(id)) await remove({ id });
      return list();
    },
  };
  const images: Images = {
    ...fake.images,
    mount: async ({ owner }) => {
      writeFileSync(join(leases, owner), '');
      return { kind: 'folder', path: '/nonexistent' };
    },
    release: async ({ owner }) => rmSync(join(leases, owner), { force: true }),
    reconcile: async ({ alive }) => {
      for (const owner of names(leases)) if (!alive.includes(owner)) rmSync(join(leases, owner));
    },
  };
  return { runtime, images, held: () => ({ containers: names(bodies), leases: names(leases) }) };
}
