/**
 * Plugins in processes of their own. Comes in: what the kernel would give a plugin in process. Goes out: the same plugin behind
 * a link, its contracts, hooks, events, state and log forwarded both ways. Called by `starter.ts` through `IsolationHost`.
 *
 * `process` protects the kernel from a plugin that crashes, hangs or leaks, and holds its files to the permissions as far as
 * Node's own permission model does (see `node-permissions.ts`). It is no boundary against code that means harm: that is `sandbox`.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Contract } from '../contracts/index.js';
import { bounded } from '../async/index.js';
import { CoreError, toCoreError } from '../errors/index.js';
import { exported, spawnChild, type Child, type ChildExit, type Export } from '../ipc/index.js';
import { IsolatedPluginCalls, IsolationHostCalls } from './isolate-contracts.js';
import { HostCalls } from './isolate-host.js';
import type { IsolatedPlugin, IsolationHost, SpawnRequest } from './isolation.js';
import { permissionFlags } from './node-permissions.js';

export interface IsolationHostOptions {
  /** Milliseconds from the spawn to the end of the plugin's setup. Default 60 s. */
  readonly setupDeadline?: number | undefined;
  /** Milliseconds a closed plugin's process has to go before it is killed. Default 3 s. */
  readonly exitGrace?: number | undefined;
  /** Whether Node's permission model confines the child. Default true. */
  readonly confine?: boolean | undefined;
}

const DEFAULTS = { setupDeadline: 60_000, exitGrace: 3000, confine: true };

/** The plugin's scope may take this long to close before its process is killed. */
const CLOSE_DEADLINE = 30_000;

/** What a child inherits of our environment. Everything else, NODE_OPTIONS first of all, is the kernel's alone. */
const INHERITED = ['PATH', 'TZ', 'LANG'];

export function createIsolationHost(options: IsolationHostOptions = {}): IsolationHost {
  const settings = { ...DEFAULTS, ...withoutUndefined(options) };
  return { spawn: (request) => (request.isolation === 'process' ? spawnPlugin(request, settings) : Promise.reject(noSandbox(request.plugin))) };
}

async function spawnPlugin(request: SpawnRequest, settings: typeof DEFAULTS): Promise<IsolatedPlugin> {
  const { plugin, signal, previous, config, root, runRoot, shared, lease } = request;
  const host = new HostCalls(request);
  const child = startChild(request, host, settings);
  try {
    const { calls, implementations } = await bounded(connect(child, request), { what: `starting the process of ${plugin}`, deadline: settings.setupDeadline, signal });
    host.connected(calls);
    const deadline = settings.setupDeadline;
    const setup = calls.setup({ plugin, config, root, runRoot, shared, lease, previous, needs: Object.keys(request.needs), deadline }, { signal });
    await bounded(setup, { what: 'setup', deadline: deadline + 1000, signal });
    return new ChildPlugin({ plugin, child, host, calls, implementations, exitGrace: settings.exitGrace });
  } catch (error) {
    host.close();
    const exit = await child.end(settings.exitGrace);
    throw toCoreError(error).code === 'E_CLOSED' ? died(plugin, exit) : error;
  }
}

function startChild(request: SpawnRequest, host: HostCalls, { confine }: typeof DEFAULTS): Child {
  const { plugin, module, permissions, log } = request;
  const path = realModule(plugin, module);
  const script = fileURLToPath(new URL('isolate-child.js', import.meta.url));
  const env = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return spawnChild({
    what: `plugin ${plugin}`,
    script,
    args: [pathToFileURL(path).href],
    execArgv: confine ? permissionFlags({ script, module: path, permissions }) : [],
    env: Object.fromEntries(env),
    onLine: (stream, line) => log[stream === 'stderr' ? 'warn' : 'info']({ stream }, line),
    identity: { name: 'core-kernel' },
    exports: [exported(IsolationHostCalls, host.calls), ...neededPorts(request)],
  });
}

/** Node loads real files, so it is those the permissions must name. */
function realModule(plugin: string, module: string): string {
  try {
    return realpathSync(module.startsWith('file:') ? fileURLToPath(module) : module);
  } catch (error) {
    throw new CoreError('E_PLUGIN', { message: `${plugin}: there is no module ${module}`, object: { kind: 'plugin', id: plugin }, cause: error });
  }
}

/** Two local names may stand for one contract: it is exported once. */
function neededPorts({ needs }: SpawnRequest): Export[] {
  const ports = new Map<string, Export>();
  for (const { contract, port } of Object.values(needs)) ports.set(contract.key, [contract, port]);
  return [...ports.values()];
}

async function connect({ link }: Child, { provides }: SpawnRequest): Promise<Connection> {
  await link.handshake();
  const port = (contract: Contract<unknown>): unknown => link.port(contract);
  return {
    calls: link.port(IsolatedPluginCalls),
    implementations: Object.fromEntries(Object.entries(provides).map(([local, contract]) => [local, port(contract)])),
  };
}

interface Connection {
  readonly calls: IsolatedPluginCalls;
  readonly implementations: Readonly<Record<string, unknown>>;
}

interface ChildPluginParts extends Connection {
  readonly plugin: string;
  readonly child: Child;
  readonly host: HostCalls;
  readonly exitGrace: number;
}

class ChildPlugin implements IsolatedPlugin {
  readonly implementations: Readonly<Record<string, unknown>>;
  readonly closed: Promise<Error | undefined>;
  readonly #parts: ChildPluginParts;
  #gone = false;
  #closing: Promise<void> | undefined;

  constructor(parts: ChildPluginParts) {
    const { child, plugin, exitGrace } = parts;
    this.#parts = parts;
    this.implementations = parts.implementations;
    // A link that has ended (a protocol fault, say) ends the child too: it is of no more use.
    void child.link.closed.then(() => child.end(exitGrace));
    this.closed = child.exited.then((exit) => {
      this.#gone = true;
      return this.#closing ? undefined : died(plugin, exit);
    });
  }

  /** A child that is gone has nothing left to hand over: its successor starts afresh. */
  async handover(): Promise<unknown> {
    return this.#gone ? undefined : this.#parts.calls.handover({});
  }

  async takeBack(state: unknown): Promise<void> {
    await this.#parts.calls.takeBack({ state });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { plugin, calls, child, host, exitGrace } = this.#parts;
    const work = this.#gone ? Promise.resolve() : calls.close({});
    const failure = await bounded(work, { what: `closing ${plugin}`, deadline: CLOSE_DEADLINE }).then(() => undefined, toCoreError);
    host.close();
    await child.end(exitGrace);
    if (failure && failure.code !== 'E_CLOSED') throw failure;
  }
}

function died(plugin: string, { how, lastWords }: ChildExit): CoreError {
  const words = lastWords.length > 0 ? `; its last words: ${lastWords.join(' | ')}` : '';
  return new CoreError('E_CLOSED', { message: `the process of ${plugin} ${how}${words}`, object: { kind: 'plugin', id: plugin } });
}

function noSandbox(plugin: string): CoreError {
  return new CoreError('E_UNSUPPORTED', {
    message: `${plugin}: isolation "sandbox" is not there yet`,
    object: { kind: 'plugin', id: plugin },
    hint: 'Use "isolation": "process" for code you trust, and do not load code you do not trust.',
  });
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
