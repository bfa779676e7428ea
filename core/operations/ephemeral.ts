/**
 * Private roots, for kernels that live as long as a job or a script. Comes in: the machine's folders. Goes out: a fresh pair
 * below them, and the removal of pairs whose owner is dead. Called by `createKernel`.
 *
 * A private root is named after the process that owns it, so whoever reads the name knows whether it is still in use: no
 * lock file to lose, no heartbeat to miss.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from '../config/places.js';
import { Images, Runtime } from '../contracts/index.js';
import { isCoreError } from '../errors/index.js';
import { bootKernel, makePlan, type Bindings, type KernelEntry } from '../kernel/index.js';
import type { Logger } from '../log/index.js';
import { bootId, isAlive, openStore, selfIdentity } from '../state/index.js';

export interface PrivatePlaces extends Places {
  /** Removes both folders. */
  drop(): Promise<void>;
}

export async function makePrivate(machine: Places): Promise<PrivatePlaces> {
  const { pid, startTime } = selfIdentity();
  const places = privatePlaces(machine, `${pid}-${startTime}-${randomBytes(3).toString('hex')}`);
  await Promise.all([places.root, places.runRoot].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
  return { ...places, drop: () => dropFolders(places) };
}

export interface Sweep {
  readonly machine: Places;
  readonly plugins: readonly KernelEntry[];
  readonly bindings: Bindings | undefined;
  readonly log: Logger;
}

/** What kernels left that died without closing. What cannot be freed is reported and left to the next sweep. */
export async function sweepPrivate(sweep: Sweep): Promise<void> {
  for (const name of await deadNames(sweep.machine)) {
    try {
      await freeLeftover(privatePlaces(sweep.machine, name), sweep);
    } catch (error) {
      // Another kernel sweeps it just now.
      if (!isCoreError(error, 'E_BUSY')) sweep.log.warn({ err: error, name }, 'what a dead kernel left could not be freed');
    }
  }
}

/** The drivers of this kernel are asked to reconcile that root with nothing: that ends and removes all it has. */
async function freeLeftover(places: Places, { machine, plugins, bindings, log }: Sweep): Promise<void> {
  const store = openStore({ root: places.root, durable: false });
  try {
    const drivers = driversOf(plugins, bindings);
    await using kernel = await bootKernel({ plugins: drivers, bindings: bindingsOf(drivers, bindings), log, root: places.root, runRoot: places.runRoot, shared: machine.root, lease: true });
    await kernel.port(Runtime).reconcile({ alive: [] });
    await kernel.port(Images).reconcile({ alive: [] });
  } finally {
    await store.close();
  }
  await dropFolders(places);
}

async function deadNames({ root, runRoot }: Places): Promise<string[]> {
  const folders = await Promise.all([ephemeralRoot(root), ephemeralRun(runRoot)].map((folder) => readdir(folder).catch(() => [])));
  const boot = bootId();
  return [...new Set(folders.flat())].filter((name) => {
    const [, pid, startTime] = /^(\d+)-(\d+)-[0-9a-f]{6}$/.exec(name) ?? [];
    return pid !== undefined && !isAlive({ pid: Number(pid), startTime: Number(startTime), bootId: boot });
  });
}

/** Those that answer for runtime and images, and what these need: no doors, no extras. */
function driversOf(plugins: readonly KernelEntry[], bindings: Bindings | undefined): KernelEntry[] {
  const { edges, contracts } = makePlan(plugins.map(({ plugin }) => plugin), bindings);
  const wanted = [Runtime, Images].flatMap(({ key }) => contracts[key]?.bound ?? contracts[key]?.providers.slice(0, 1) ?? []);
  const found = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    found.add(name);
    wanted.push(...edges.flatMap(({ consumer, provider }) => (consumer === name && provider !== undefined && !found.has(provider) ? [provider] : [])));
  }
  return plugins.filter(({ plugin }) => found.has(plugin.name));
}

function bindingsOf(plugins: readonly KernelEntry[], bindings: Bindings = {}): Bindings {
  return Object.fromEntries(Object.entries(bindings).filter(([, chosen]) => plugins.some(({ plugin }) => plugin.name === chosen)));
}

function privatePlaces({ root, runRoot }: Places, name: string): Places {
  return { root: join(ephemeralRoot(root), name), runRoot: join(ephemeralRun(runRoot), name) };
}

function ephemeralRoot(root: string): string {
  return join(root, 'ephemeral');
}

/** Short, because the path of a unix socket has 107 bytes at most. */
function ephemeralRun(runRoot: string): string {
  return join(runRoot, 'e');
}

async function dropFolders({ root, runRoot }: Places): Promise<void> {
  await Promise.all([root, runRoot].map((folder) => rm(folder, { recursive: true, force: true })));
}
