/**
 * The process of an isolated plugin: its whole program. Comes in: the plugin's module as argument, everything else over the link
 * on fd 3. Goes out: the plugin's contracts, over the same link. Started by `isolate.ts`; here the plugin is in process.
 */
import { createLogger } from '../log/index.js';
import type { Contract } from '../contracts/index.js';
import { CoreError, toCoreError } from '../errors/index.js';
import { exported, linkToParent, makePort, type Export, type Link } from '../ipc/index.js';
import { methodOf } from '../contracts/index.js';
import { validateConfig } from './boot.js';
import { isPlugin, neededContract, type Plugin } from './define-plugin.js';
import { ChildFacilities } from './isolate-facilities.js';
import { IsolatedPluginCalls, IsolationHostCalls, type SetupRequest } from './isolate-contracts.js';
import { setUpLocal, type RunningPlugin } from './local.js';

/** Milliseconds the plugin has to close once the kernel is gone. */
const ORPHAN_DEADLINE = 10_000;

await main(process.argv[2] ?? '');

async function main(module: string): Promise<void> {
  // Ctrl-C and a service manager's stop reach the whole group: the kernel closes us in its order, or its link ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const plugin = await load(module);
  process.title = `core: ${plugin.name}`;
  const inner = new Inner(plugin);
  const link = linkToParent({ identity: { name: plugin.name, version: plugin.version }, exports: inner.exports() });
  inner.link = link;
  await link.closed;
  setTimeout(() => process.exit(1), ORPHAN_DEADLINE).unref();
  await inner.close().catch((error: unknown) => console.error(toCoreError(error).message));
  process.exit(0);
}

async function load(module: string): Promise<Plugin> {
  const loaded = (await import(module)) as { readonly default?: unknown };
  if (isPlugin(loaded.default)) return loaded.default;
  throw new CoreError('E_PLUGIN', { message: `${module} has no plugin as its default export`, hint: 'Export what definePlugin returns as default.' });
}

/** The plugin, before, while and after it is up. */
class Inner {
  link: Link | undefined;
  readonly #plugin: Plugin;
  #starting: Promise<void> | undefined;
  #running: RunningPlugin | undefined;
  #facilities: ChildFacilities | undefined;

  constructor(plugin: Plugin) {
    this.#plugin = plugin;
  }

  exports(): Export[] {
    const calls: IsolatedPluginCalls = {
      setup: (request, call) => (this.#starting = this.#setup(request, call?.signal ?? new AbortController().signal)),
      runTap: (request, call) => this.#up().facilities.runTap(request, call?.signal),
      undo: ({ undo }) => this.#up().facilities.undo(undo),
      handover: () => this.#up().running.handover(),
      takeBack: ({ state }) => this.#up().running.takeBack(state),
      close: () => this.close(),
    };
    const provided = Object.entries(this.#plugin.provides).map(([local, contract]): Export => [contract, this.#forward(local, contract)]);
    return [exported(IsolatedPluginCalls, calls), ...provided];
  }

  async close(): Promise<void> {
    // A setup that was given up unwinds first.
    await this.#starting?.catch(() => undefined);
    await this.#running?.close();
  }

  async #setup({ plugin: name, needs, config, ...request }: SetupRequest, signal: AbortSignal): Promise<void> {
    const plugin = this.#plugin;
    if (plugin.name !== name) throw new CoreError('E_PLUGIN', { message: `the module holds the plugin ${plugin.name}, not ${name}` });
    const link = this.link as Link;
    const host = link.port(IsolationHostCalls);
    const facilities = new ChildFacilities(host);
    this.#facilities = facilities;
    const log = createLogger({ level: 'trace', write: (line) => facilities.log(line) });
    this.#running = await setUpLocal({
      ...request,
      plugin,
      config: await validateConfig({ plugin, config }),
      ports: Object.fromEntries(needs.map((local) => [local, link.port(neededContract(plugin.needs[local] as Contract<unknown>))])),
      facilities,
      log,
      signal,
    });
    await facilities.settled();
  }

  /** Calls go to what `setup` returned, once it has. */
  #forward(local: string, contract: Contract<unknown>): unknown {
    return makePort(contract, (method, _spec, input, call) => methodOf(this.#up().running.implementations[local], method)?.(input as never, call));
  }

  #up(): { running: RunningPlugin; facilities: ChildFacilities } {
    const [running, facilities] = [this.#running, this.#facilities];
    if (running && facilities) return { running, facilities };
    throw new CoreError('E_STATE', { message: `${this.#plugin.name} is not up yet` });
  }
}
