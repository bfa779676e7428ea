/**
 * Private roots, for kernels that live as long as a job or a script. Comes in: the machine's folders. Goes out: a fresh pair
 * below them, and the removal of pairs whose owner is dead. Called by `createKernel`.
 *
 * A private root is named after the process that owns it, so whoever reads the name knows whether it is still in use: no
 * lock file to lose, no heartbeat to miss.
 */
import { randomInt } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from '../config/places.js';
import { Images, Runtime } from '../contracts/index.js';
import { isCoreError } from '../errors/index.js';
import { bootKernel, makePlan, type Bindings, type KernelEntry } from '../kernel/index.js';
import type { Logger } from '../log/index.js';
import { operationsManifest } from './plugin.js';
import { bootId, isAlive, selfIdentity, type ProcessIdentity } from '../state/index.js';

export interface PrivatePlaces extends Places {
  /** Removes both folders. */
  drop(): Promise<void>;
}

export async function makePrivate(machine: Places): Promise<PrivatePlaces> {
  const places = privatePlaces(machine, nameOf(selfIdentity()));
  await Promise.all([places.root, places.runRoot].map((folder) => mkdir(folder, { recursive: true, mode: 0o711 })));
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
  // Whoever owns its state sweeps it; a second one is told `E_BUSY`.
  const { openStore } = await import('../state/lmdb-store.js');
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
  return [...new Set(folders.flat())].filter((name) => {
    const owner = ownerOf(name);
    return owner !== undefined && !isAlive(owner);
  });
}

/** Pid and start time, and something for the second kernel of the same process. As short as can be: sockets lie deep below. */
function nameOf({ pid, startTime }: ProcessIdentity): string {
  return [pid, startTime, randomInt(36 ** 3)].map((number) => number.toString(36)).join('-');
}

/** Start times begin anew with each boot; what an earlier one left passes for this one's, and is almost surely dead. */
function ownerOf(name: string): ProcessIdentity | undefined {
  const [, pid, startTime] = /^([0-9a-z]+)-([0-9a-z]+)-[0-9a-z]{1,3}$/.exec(name) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number.parseInt(pid, 36), startTime: Number.parseInt(startTime, 36), bootId: bootId() };
}

/** Those that answer for runtime and images, and what these need: no doors, no extras. */
function driversOf(plugins: readonly KernelEntry[], bindings: Bindings | undefined): KernelEntry[] {
  const { edges, contracts } = makePlan([...plugins.map(({ plugin }) => plugin), operationsManifest], bindings);
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
