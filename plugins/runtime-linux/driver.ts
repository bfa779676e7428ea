/**
 * `runtime@1` for Linux: usable without the kernel. Comes in: folders and options. Goes out: the contract's implementation,
 * and `close`. Called by `index.ts` and by tests.
 */
import { mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CoreError, type CreateRequest, type Layers, type Runtime, type RuntimeEvent } from '@core/core/plugin';
import { deviceWrites } from './cgroup/devices-v1.js';
import { freeze, isFrozen, processesOf, thaw } from './cgroup/members.js';
import { parentName, sweepParents } from './cgroup/parent-name.js';
import { makeParents, parentFolders, prepareDevices, removeParents } from './cgroup/parents.js';
import { containerStats } from './cgroup/stats.js';
import type { Config } from './config.js';
import type { Container } from './container.js';
import { find, KINDS, pathsOf, type Context, type Folders } from './context.js';
import { EventHub } from './events.js';
import { Executor } from './executor.js';
import { hostFacts } from './facts.js';
import { withForeign } from './foreign/index.js';
import { makeHold } from './hold.js';
import { createContainer } from './lifecycle/create.js';
import { controlOf, handleNotice, watchByControl } from './lifecycle/exit.js';
import { signalContainer } from './lifecycle/kill.js';
import { attachProcess, execProcess, isSize } from './lifecycle/process.js';
import { reconcile } from './lifecycle/reconcile.js';
import { removeContainer, removeFolders } from './lifecycle/remove.js';
import { startContainer } from './lifecycle/start.js';
import { updateContainer } from './lifecycle/update.js';
import { asCoreError } from './link/failure.js';
import { TreeRemover } from './link/trees.js';
import { readLog } from './logs/reader.js';
import { buildSpec } from './spec/index.js';
import { Issues } from './issues.js';
import { deviceRules, USUAL_RULES } from './plan/groups.js';
import { planIo } from './plan/index.js';
import { PlanTemplates } from './plan/templates.js';
import type { HostFacts } from './plan/input.js';
import { stepAside } from './rootless/delegation.js';
import { writeResolver } from './rootless/network.js';
import { writeMaps } from './rootless/maps.js';
import { createLayers } from './layers.js';

export interface DriverOptions extends Config {
  /** What lasts: written layers and logs. */
  readonly root: string;
  /** Sockets and the run-time truth. */
  readonly runRoot: string;
  /** Folders on other mounts the executor must go on seeing (the image store). `root` is among them by itself. */
  readonly keep?: readonly string[];
  /** The executor ends with this process, and every container with it. */
  readonly lease: boolean;
  readonly warn?: ((message: string) => void) | undefined;
  /** What is true of the machine. Default: read from it. */
  readonly host?: HostFacts | undefined;
}

export type Driver = Runtime & {
  /** `layers@1`, by the same executor. */
  readonly layers: Layers;
  /** What the next driver of the same folders must be told: the ids, and what was created and has left no trace yet. */
  handOver(): Handover;
  /** Adopts the containers of a driver of the same folders, which closes after it with `keepMachine`. */
  takeOver(handover: Handover): Promise<void>;
  /**
   * Lets go of everything; containers run on, unless they are held by lease. `keepMachine` leaves the executor and the groups
   * to another driver of the same folders, which has them already; a lease passes to it.
   */
  close(options?: { readonly keepMachine?: boolean }): Promise<void>;
};

/** Plain data, as it may cross into another process. */
export interface Handover {
  readonly alive: readonly string[];
  readonly created: readonly CreateRequest[];
}

/** Throws E_IO when the folders cannot be made. The executor is started with the first container, not here. */
export async function createDriver(options: DriverOptions): Promise<Driver> {
  const context = makeContext(options);
  return {
    ...withForeign({ ...describing(context), ...living(context), ...streaming(context), ...governing(context) }, context),
    layers: createLayers(context.executor, { squash: context.host.rootless !== undefined && !context.host.rootless.helpers }),
    handOver: () => handOver(context),
    takeOver: (handover) => takeOver(context, handover),
    close: (options) => close(context, options),
  };
}

function makeContext(options: DriverOptions): Context {
  const { root, runRoot, keep = [], lease, userns, warn = () => {} } = options;
  const folders: Folders = { containers: `${root}/containers`, run: `${runRoot}/c` };
  // Passable for all, readable for none but root: the root of a user namespace walks through the run folder.
  for (const folder of [runRoot, folders.run]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const folder of KINDS) mkdirSync(`${folders.containers}/${folder}`, { recursive: true, mode: 0o711 });
  const facts = options.host ?? hostFacts(options.rootless);
  // One group per root, so that no kernel takes another's containers for leftovers of its own.
  const cgroupParent = parentName({ above: options.cgroupParent, root, runRoot, lease });
  sweepParents(facts.cgroups, options.cgroupParent);
  const { rootless } = facts;
  if (rootless) stepAside(facts.cgroups);
  const layout = makeParents(facts.cgroups, cgroupParent);
  const usual = deviceWrites(deviceRules({ devices: [...USUAL_RULES] }));
  const host = { ...facts, cgroups: prepareDevices(layout, { path: cgroupParent, rules: usual }) };
  const executor = new Executor({
    path: options.executor,
    runRoot,
    keep: [...new Set([root, runRoot, ...keep])],
    lease,
    tree: folders.containers,
    groups: parentFolders(host.cgroups, cgroupParent),
    mapIds: rootless && ((pid) => writeMaps(pid, rootless)),
    onNotice: (name, argument) => handleNotice(context, name, argument),
    onLost: () => onExecutorLost(context),
  });
  const context: Context = {
    executor,
    trees: new TreeRemover((trees) => executor.request('rmtree', trees)),
    host,
    folders,
    foreignRoot: `${runRoot}/oci`,
    cgroupParent,
    ids: userns,
    containers: new Map(),
    templates: new PlanTemplates(),
    events: new EventHub<RuntimeEvent>(),
    hold: makeHold(),
    warn,
    unmet: new Set(),
    resolver: rootless && writeResolver(runRoot, rootless.network),
    closed: false,
  };
  return context;
}

function describing(context: Context): Pick<Runtime, 'spec' | 'status' | 'list' | 'processes' | 'stats'> {
  return {
    spec: (request) => buildSpec(request, { ids: context.ids, lastCapability: context.host.lastCapability, rootless: context.host.rootless, resolver: context.resolver }),
    status: async ({ id }) => find(context, id).status(),
    list: async () => [...context.containers.values()].map((container) => container.status()),
    processes: async ({ id }) => {
      const container = find(context, id);
      return container.isRunning ? processesOf(container) : [];
    },
    stats: async ({ id }) => {
      const container = find(context, id);
      if (!container.isRunning) throw notRunning(container, 'measure');
      const stats = await containerStats(container, context.host.cgroups);
      // Between the end of the last process and the news of it there is nothing to measure, only zeros to read.
      if (!container.isRunning || (await processesOf(container)).length === 0) throw ended(container, 'measure');
      return stats;
    },
  };
}

function living(context: Context): Pick<Runtime, 'create' | 'start' | 'wait' | 'signal' | 'remove' | 'reconcile'> {
  return {
    create: async (request) => createContainer(context, request),
    start: ({ id }, call) => asynchronously(() => {
      const container = find(context, id);
      const starting = context.hold(startContainer(context, container, call));
      container.starting = starting;
      return starting;
    }),
    wait: async ({ id }, call) => context.hold(find(context, id).exited(call?.signal)),
    signal: async (request) => {
      const container = context.containers.get(request.id);
      // The name is checked even where nobody is left to hear it.
      if (container) await signalContainer(context, container, request).catch(rethrow(container));
    },
    remove: async ({ id }) => {
      const container = context.containers.get(id);
      await context.hold(container ? removeContainer(context, container) : removeLeft(context, id));
    },
    reconcile: ({ alive }) => context.hold(reconcile(context, alive)),
  };
}

function streaming(context: Context): Pick<Runtime, 'exec' | 'attach' | 'logs' | 'events' | 'resize'> {
  return {
    exec: (request, call) => deferred(() => execProcess(context, { container: find(context, request.id), request, call })),
    attach: (request, call) => deferred(() => attachProcess({ container: find(context, request.id), request, call })),
    logs: ({ id, ...request }, call) => deferred(() => {
      const container = find(context, id);
      const log = container.record && planIo({ ...container.record, paths: container.paths }).log;
      if (!log) return nothing();
      const ended = container.isRunning || container.phase === 'starting' || container.phase === 'created' ? container.exited() : Promise.resolve();
      return readLog({ path: log.path, maxFiles: log.maxFiles, ended }, request, call?.signal);
    }),
    events: (_, call) => context.events.subscribe(call?.signal),
    resize: async ({ id, rows, columns, execId }) => {
      const container = find(context, id);
      const issues = new Issues();
      issues.expect(isSize(rows), 'rows', 'is between 1 and 65535');
      issues.expect(isSize(columns), 'columns', 'is between 1 and 65535');
      issues.done('cannot resize', container.object);
      if (!container.isRunning) throw notRunning(container, 'resize');
      const control = await controlOf(context, container);
      await control.request('resize', { rows, cols: columns, ...(execId !== undefined && { exec: execId }) }).catch(rethrow(container));
    },
  };
}

function governing(context: Context): Pick<Runtime, 'pause' | 'resume' | 'update'> {
  return {
    pause: async ({ id }) => {
      const container = find(context, id);
      if (!container.isRunning || container.paused) throw notRunning(container, 'pause');
      await freeze(container);
      container.paused = true;
      context.events.emit({ type: 'paused', id, time: Date.now() });
    },
    resume: async ({ id }) => {
      const container = find(context, id);
      if (!container.isRunning || !(container.paused || (await isFrozen(container)))) {
        throw new CoreError('E_STATE', { message: `cannot resume: container ${id} is ${container.status().state}, not paused`, object: container.object });
      }
      await thaw(container);
      container.paused = false;
      context.events.emit({ type: 'resumed', id, time: Date.now() });
    },
    update: async ({ id, resources }) => updateContainer(context, find(context, id), resources),
  };
}

/** Folders without a container in memory: of a start that failed before the last restart, or kept over a reboot. */
async function removeLeft(context: Context, id: string): Promise<void> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(id)) return;
  const paths = pathsOf(context, { id });
  const there = await Promise.all([paths.dir, paths.state, paths.upper, paths.work].map((path) => stat(path).then(() => true, () => false)));
  if (there.some(Boolean)) await removeFolders(context, paths);
}

function onExecutorLost(context: Context): void {
  if (context.closed) return;
  for (const container of context.containers.values()) {
    if (!container.isRunning) container.monitorGone.resolve();
    else watchByControl(context, container).catch((thrown: unknown) => context.warn(`cannot follow container ${container.id}: ${String(thrown)}`));
  }
}

function handOver({ containers }: Context): Handover {
  const all = [...containers.values()];
  const created = all.flatMap(({ id, phase, record }) => (phase === 'created' && record ? [{ id, ...record }] : []));
  return { alive: all.map(({ id }) => id), created };
}

async function takeOver(context: Context, { alive, created }: Handover): Promise<void> {
  // Before the other one leaves: an executor held by lease ends with its last connection.
  await context.executor.connection();
  await reconcile(context, alive);
  for (const request of created) if (!context.containers.has(request.id)) createContainer(context, request);
}

async function close(context: Context, { keepMachine = false }: { readonly keepMachine?: boolean } = {}): Promise<void> {
  if (context.closed) return;
  context.closed = true;
  context.events.close();
  const containers = [...context.containers.values()];
  for (const container of containers) await container.hangUp();
  const idle = containers.every((container) => container.phase === 'created' || container.phase === 'exited');
  await context.executor.close({ idle, keep: keepMachine });
  if (!keepMachine) removeParents(context.host.cgroups, context.cgroupParent);
}

function notRunning(container: Container, verb: string): CoreError {
  return new CoreError('E_STATE', { message: `cannot ${verb}: container ${container.id} is ${container.status().state}`, object: container.object });
}

function ended({ id, object }: Container, verb: string): CoreError {
  return new CoreError('E_STATE', { message: `cannot ${verb}: container ${id} has ended`, object });
}

function rethrow(container: Container): (thrown: unknown) => never {
  return (thrown) => {
    throw asCoreError(thrown, { object: container.object });
  };
}

async function asynchronously<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

/** What a container without a log has said, as far as anybody can tell. */
async function* nothing<T>(): AsyncGenerator<T, void, void> {}

/** What is wrong with a request is thrown at the first read, as from any other stream. */
async function* deferred<T>(open: () => AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* open();
}

