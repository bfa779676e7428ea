/**
 * A kernel with the operations, for those who embed one. Comes in: plugins and places. Goes out: a running kernel with its
 * `engine`, served on `<runRoot>/core.sock`. Called by `core run`, by the SDK and by anybody through `@core/core`.
 */
import { mkdir } from 'node:fs/promises';
import { defaultPlaces, socketIn, type Places } from '../config/places.js';
import { Engine } from '../contracts/index.js';
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';
import { createEventBus } from '../events/index.js';
import { exported, serve, type LinkServer } from '../ipc/index.js';
import { bootKernel, type Bindings, type CloseOptions, type Kernel, type KernelEntry, type Plugin, type Wired } from '../kernel/index.js';
import { silentLogger, type Logger } from '../log/index.js';
import { memoryStore, openJournal, pluginCorner, type Store } from '../state/index.js';
import { VERSION } from '../version.js';
import { makePrivate, sweepPrivate } from './ephemeral.js';
import { operationsPlugin } from './plugin.js';

export interface CreateKernelOptions {
  /** Drivers, doors and whatever else; the operations are added. Default: none. */
  readonly plugins?: ReadonlyArray<Plugin | KernelEntry> | undefined;
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
 * Throws `E_BUSY` when another kernel owns the root, and whatever `bootKernel` throws. Nothing is left then; containers that
 * an earlier kernel of the root left running are untouched.
 */
export async function createKernel({ plugins = [], bindings, lease = false, log = silentLogger, signal, ...given }: CreateKernelOptions = {}): Promise<CoreKernel> {
  const defaults = defaultPlaces();
  const machine: Places = { root: given.root ?? defaults.root, runRoot: given.runRoot ?? defaults.runRoot };
  const entries = plugins.map((entry) => ('plugin' in entry ? entry : { plugin: entry }));
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

async function boot({ entries, log, store, places, cleanup, ...rest }: Boot): Promise<CoreKernel> {
  const journal = openJournal(store);
  const events = cleanup.on('events', createEventBus({ firstSequence: journal.last + 1, report: (err, { type }) => log.error({ err, event: type }, 'a listener failed') }), (bus) => bus.close());
  events.on(journal.append);
  const haste = new AbortController();
  let wired: Wired | undefined;
  let up = false;
  const operations = operationsPlugin({
    version: VERSION, events, store, journal, haste: haste.signal, isUp: () => up,
    get hooks() { return known(wired).hooks; },
    hookMap: () => known(wired).hookMap(),
    plugins: () => known(wired).plugins(),
  });
  const kernel = await bootKernel({
    ...rest, ...places, log, events, plugins: [...entries, { plugin: operations }],
    state: (plugin) => pluginCorner(store, plugin),
    onWired: (before) => { wired = before; },
  });
  const engine = kernel.port(Engine);
  const socket = socketIn(places.runRoot);
  let server: LinkServer;
  try {
    server = await serve({ path: socket, exports: [exported(Engine, engine)], background: rest.lease });
  } catch (error) {
    await kernel.close().catch((err: unknown) => log.error({ err }, 'the kernel could not be closed'));
    throw error;
  }
  up = true;
  let closed: Promise<void> | undefined;
  const close = ({ haste: hurry, deadline }: CoreCloseOptions = {}): Promise<void> => {
    if (hurry?.aborted) haste.abort();
    hurry?.addEventListener('abort', () => haste.abort(), { once: true });
    closed ??= closeAll([['socket', () => server.close()], ['kernel', () => kernel.close({ deadline })], ['rest', () => cleanup.run()]]);
    return closed;
  };
  return { ...kernel, get plan() { return kernel.plan; }, engine, ...places, socket, close, [Symbol.asyncDispose]: () => close() };
}

function known(wired: Wired | undefined): Wired {
  if (!wired) throw new CoreError('E_INTERNAL', { message: 'the operations were asked before the kernel was wired' });
  return wired;
}

/** What was acquired, freed in reverse whatever fails. */
class Cleanup {
  readonly #undos: Array<[label: string, undo: () => unknown]> = [];

  on<T>(label: string, acquired: T, undo: (acquired: T) => unknown): T {
    this.#undos.unshift([label, () => undo(acquired)]);
    return acquired;
  }

  async run(): Promise<void> {
    await closeAll(this.#undos.splice(0));
  }
}

/** One after the other; throws all failures as one. */
async function closeAll(parts: ReadonlyArray<[label: string, close: () => unknown]>): Promise<void> {
  const failures: CoreError[] = [];
  const issues: ErrorIssue[] = [];
  for (const [label, close] of parts) {
    try {
      await close();
    } catch (error) {
      const failure = toCoreError(error);
      failures.push(failure);
      issues.push(...(failure.issues.length > 0 ? failure.issues : [{ path: label, message: failure.message }]));
    }
  }
  const [first] = failures;
  if (!first) return;
  if (failures.length === 1) throw first;
  throw new CoreError(first.code, { message: `closing left: ${issues.map(({ path, message }) => `${path} (${message})`).join(', ')}`, issues, cause: new AggregateError(failures) });
}
