/**
 * An isolated plugin, seen from inside its process. Comes in: what the kernel asks over the link. Goes out: the plugin's answers.
 * Made by `isolate-child.ts`.
 */
import { methodOf, type Contract } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import { exported, makePort, type Export, type Link } from '../ipc/index.js';
import { createLogger } from '../log/index.js';
import { validateConfig } from './boot.js';
import { neededContract, type Plugin } from './define-plugin.js';
import { IsolatedPluginCalls, IsolationHostCalls, type SetupRequest } from './isolate-contracts.js';
import { ChildFacilities } from './isolate-facilities.js';
import { setUpLocal, type RunningPlugin } from './local.js';

/** The plugin, before, while and after it is up. */
export class IsolatedInside {
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
