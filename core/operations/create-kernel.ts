/**
 * A kernel with the operations, for those who embed one. Comes in: plugins and places. Goes out: a running kernel with its
 * `engine`, served on `<runRoot>/core.sock`. Called by `core run`, by the SDK and by anybody through `@core/core`.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '../config/container-options.js';
import { loadPlugins } from '../config/load-plugins.js';
import { defaultPlaces, socketIn, type Places } from '../config/places.js';
import { Engine } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import { createEventBus, type EventBus } from '../events/index.js';
import { exported, serve, type LinkServer } from '../ipc/index.js';
import { bootKernel, isPlugin, type Bindings, type CloseOptions, type Kernel, type KernelEntry, type Plugin, type Wired } from '../kernel/index.js';
import { silentLogger, type Logger } from '../log/index.js';
import { memoryStore, openJournal, pluginCorner, type Journal, type Store } from '../state/index.js';
import { VERSION } from '../version.js';
import { Cleanup, closeInOrder } from './cleanup.js';
import { makePrivate, sweepPrivate } from './ephemeral.js';
import { operationsPlugin } from './plugin.js';

export interface CreateKernelOptions {
  /**
   * Drivers, doors and whatever else; the operations are added. A text names a package or a path, looked for from the current
   * folder, then from where the core is installed. Default: none.
   */
  readonly plugins?: ReadonlyArray<string | Plugin | KernelEntry> | undefined;
  readonly bindings?: Bindings | undefined;
  /** Default: `/var/lib/core` and `/run/core`, for other users than root the XDG folders. */
  readonly root?: string | undefined;
  readonly runRoot?: string | undefined;
  /**
   * A kernel of this process's own: it gets private folders below `root` and `runRoot`, nothing it starts outlives it, and
   * its folders go with it. Default false.
   */
  readonly lease?: boolean | undefined;
  /** Default: silent. */
  readonly log?: Logger | undefined;
  /** Aborts the boot. */
  readonly signal?: AbortSignal | undefined;
}

export interface CoreCloseOptions extends CloseOptions {
  /** Fires when there is no patience left with containers that are asked to stop: SIGKILL at once. */
  readonly haste?: AbortSignal | undefined;
}

export interface CoreKernel extends Omit<Kernel, 'close'> {
  readonly engine: Engine;
  readonly root: string;
  readonly runRoot: string;
  /** Where others reach the engine. */
  readonly socket: string;
  /** Stops and removes the containers that are not marked `keep`, closes every plugin and frees the root. Idempotent. */
  close(options?: CoreCloseOptions): Promise<void>;
}

/**
 * Throws `E_BUSY` when another kernel owns the root, `E_INVALID` for a plugin that cannot be loaded, and whatever `bootKernel` throws. Nothing is left then; containers that
 * an earlier kernel of the root left running are untouched.
 */
export async function createKernel({ plugins = [], bindings, lease = false, log = silentLogger, signal, ...given }: CreateKernelOptions = {}): Promise<CoreKernel> {
  const defaults = defaultPlaces();
  const machine: Places = { root: given.root ?? defaults.root, runRoot: given.runRoot ?? defaults.runRoot };
  const entries = await toEntries(plugins);
  const cleanup = new Cleanup();
  try {
    if (lease) await sweepPrivate({ machine, plugins: entries, bindings, log });
    const places = lease ? cleanup.on('private folders', await makePrivate(machine), (made) => made.drop()) : machine;
    // A user namespace's root walks through both to its own files; what may not be read by others is closed further down.
    for (const folder of [places.root, places.runRoot]) await mkdir(folder, { recursive: true, mode: 0o711 });
    const store = cleanup.on('state', lease ? memoryStore(places.root) : await openDurable(places.root), (opened) => opened.close());
    return await boot({ entries, bindings, log, signal, store, places, shared: machine.root, lease, cleanup });
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function toEntries(plugins: ReadonlyArray<string | Plugin | KernelEntry>): Promise<KernelEntry[]> {
  const named = plugins.map((entry) => (typeof entry === 'string' ? entry : undefined));
  const { plugins: loaded, issues } = await loadPlugins(named, { file: join(process.cwd(), 'package.json'), isPlugin });
  if (issues.length > 0) throw invalid('plugins', issues);
  return plugins.map((entry) => (typeof entry === 'string' ? (loaded.shift() as KernelEntry) : 'plugin' in entry ? entry : { plugin: entry }));
}

async function openDurable(root: string): Promise<Store> {
  const { openStore } = await import('../state/lmdb-store.js');
  return openStore({ root });
}

interface Boot {
  readonly entries: readonly KernelEntry[];
  readonly bindings: Bindings | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal | undefined;
  readonly store: Store;
  readonly places: Places;
  readonly shared: string;
  readonly lease: boolean;
  readonly cleanup: Cleanup;
}

async function boot({ entries, log, store, places: { root, runRoot }, cleanup, ...rest }: Boot): Promise<CoreKernel> {
  const haste = new AbortController();
  let wired: Wired | undefined;
  let up = false;
  const { events, journal } = openEvents(store, log, cleanup);
  const operations = operationsPlugin({
    version: VERSION,
    events,
    store,
    journal,
    haste: haste.signal,
    isUp: () => up,
    get hooks() {
      return known(wired).hooks;
    },
    hookMap: () => known(wired).hookMap(),
    plugins: () => known(wired).plugins(),
  });
  const kernel = await bootKernel({
    ...rest,
    root,
    runRoot,
    log,
    events,
    plugins: [...entries, { plugin: operations }],
    state: (plugin) => pluginCorner(store, plugin),
    onWired: (before) => {
      wired = before;
    },
  });
  const server = await serveEngine(kernel, { path: socketIn(runRoot), background: rest.lease, log });
  up = true;
  let closed: Promise<void> | undefined;
  const close = ({ haste: hurry, deadline }: CoreCloseOptions = {}): Promise<void> => {
    if (hurry?.aborted) haste.abort();
    hurry?.addEventListener('abort', () => haste.abort(), { once: true });
    closed ??= closeInOrder([['socket', () => server.close()], ['kernel', () => kernel.close({ deadline })], ['rest', () => cleanup.run()]]);
    return closed;
  };
  const dispose = (): Promise<void> => close();
  return Object.freeze({ ...kernel, get plan() { return kernel.plan; }, engine: kernel.port(Engine), root, runRoot, socket: server.path, close, [Symbol.asyncDispose]: dispose });
}

/** Numbers go on where the root's last kernel stopped, and whatever is told is also kept. */
function openEvents(store: Store, log: Logger, cleanup: Cleanup): { events: EventBus; journal: Journal } {
  const journal = openJournal(store);
  const bus = createEventBus({ firstSequence: journal.last + 1, report: (err, { type }) => log.error({ err, event: type }, 'a listener failed') });
  const events = cleanup.on('events', bus, () => bus.close());
  events.on(journal.append);
  return { events, journal };
}

/** The last step of a boot: when it fails, the kernel is closed again. */
async function serveEngine(kernel: Kernel, { path, background, log }: { path: string; background: boolean; log: Logger }): Promise<LinkServer> {
  try {
    return await serve({ path, exports: [exported(Engine, kernel.port(Engine))], background });
  } catch (error) {
    await kernel.close().catch((err: unknown) => log.error({ err }, 'the kernel could not be closed'));
    throw error;
  }
}

function known(wired: Wired | undefined): Wired {
  if (!wired) throw new CoreError('E_INTERNAL', { message: 'the operations were asked before the kernel was wired' });
  return wired;
}
