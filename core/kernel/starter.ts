/**
 * Brings one plugin up. Comes in: a member and, in a swap, what its predecessor handed over. Goes out: the running plugin, in
 * this process or in one of its own; its slots are not filled yet. Called by boot and by swap.
 */
import { CoreError, toCoreError } from '../errors/index.js';
import type { EventBus } from '../events/index.js';
import type { AnyLiveHook, TapOptions } from '../hooks/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';
import type { Logger } from '../log/index.js';
import type { IsolatedFacilities, IsolationHost, PluginState } from './isolation.js';
import { setupError, setUpLocal, type RunningPlugin } from './local.js';
import { checkEventType, grantsHook, permissionError } from './permissions.js';
import type { Plan } from './plan.js';
import type { KernelEntry, Registry } from './registry.js';
import { allHooks, type TapKeeper } from './taps.js';

export interface StarterParts {
  readonly registry: Registry;
  readonly hooks: LifecycleHooks;
  readonly events: EventBus;
  readonly log: Logger;
  readonly settings: StarterSettings;
}

export interface StarterSettings {
  readonly root: string;
  readonly runRoot: string;
  /** As in `PluginContext`. Default: `root`, and false. */
  readonly shared?: string | undefined;
  readonly lease?: boolean | undefined;
  /** Runs plugins outside this process. Default: children of ours, over IPC. */
  readonly isolation?: IsolationHost | undefined;
  /** A plugin's corner of the state store. */
  readonly state?: ((plugin: string) => PluginState) | undefined;
  /** Milliseconds a plugin's `setup` has. Default 60 s. */
  readonly setupDeadline?: number | undefined;
}

export interface StartRequest {
  readonly entry: KernelEntry;
  /** Validated. */
  readonly config: unknown;
  readonly plan: Plan;
  readonly previous: unknown;
  readonly signal: AbortSignal;
  readonly taps: TapKeeper;
}

const DEFAULT_SETUP_DEADLINE = 60_000;

export class Starter {
  readonly #parts: StarterParts;

  constructor(parts: StarterParts) {
    this.#parts = parts;
  }

  /** Throws `E_PLUGIN` or `E_ABORTED`; nothing of the plugin is left then. */
  async start(request: StartRequest): Promise<RunningPlugin> {
    const { isolation = 'none' } = request.entry;
    return isolation === 'none' ? this.#startHere(request) : this.#startApart(request, isolation);
  }

  #startHere({ entry: { plugin }, config, plan, previous, signal, taps }: StartRequest): Promise<RunningPlugin> {
    const { registry, events, log, settings } = this.#parts;
    const { root, runRoot, shared, lease, setupDeadline: deadline = DEFAULT_SETUP_DEADLINE } = settings;
    const ports = Object.fromEntries(Object.entries(registry.portsOf(plugin, plan)).map(([local, { port }]) => [local, port]));
    const facilities = {
      events,
      state: settings.state?.(plugin.name),
      tap: (hook: string, options: TapOptions, fn: (...values: readonly unknown[]) => unknown) => taps.add(this.#hook(hook), options, fn),
    };
    return setUpLocal({ plugin, config, ports, facilities, log: log.child({ plugin: plugin.name }), root, runRoot, shared, lease, previous, signal, deadline });
  }

  async #startApart({ entry, plan, previous, signal, taps }: StartRequest, isolation: 'process' | 'sandbox'): Promise<RunningPlugin> {
    const { registry, log, settings } = this.#parts;
    const { plugin, module } = entry;
    if (module === undefined) {
      const message = `isolation "${isolation}": its entry names no module to load in the child`;
      throw setupError(plugin.name, new CoreError('E_UNSUPPORTED', { message }), undefined);
    }
    // Loaded when it is wanted: most kernels have no isolated plugin.
    const host = settings.isolation ?? (await import('./isolate.js')).createIsolationHost();
    const child = await host
      .spawn({
        plugin: plugin.name, module, isolation, previous, signal,
        config: entry.config, permissions: plugin.permissions, provides: plugin.provides, needs: registry.portsOf(plugin, plan),
        root: settings.root, runRoot: settings.runRoot, shared: settings.shared, lease: settings.lease,
        host: this.#facilities(entry, taps),
        log: log.child({ plugin: plugin.name }),
      })
      .catch((error: unknown) => {
        throw setupError(plugin.name, error, undefined);
      });
    return {
      implementations: child.implementations,
      effects: () => ['child process'],
      handover: () => child.handover(),
      takeBack: (state) => child.takeBack(state),
      close: () => child.close(),
      closed: child.closed.then((reason) => reason && toCoreError(reason)),
    };
  }

  /** What a child asks for is checked here: its own checks are only as honest as it is. */
  #facilities({ plugin }: KernelEntry, taps: TapKeeper): IsolatedFacilities {
    return {
      emit: (event) => {
        checkEventType(plugin.name, event.type);
        this.#parts.events.emit(event);
      },
      subscribe: (options) => this.#parts.events.subscribe(options),
      state: plugin.permissions.includes('state') ? this.#parts.settings.state?.(plugin.name) : undefined,
      tap: ({ hook, ...options }, run) => {
        if (!grantsHook(plugin.permissions, hook)) throw permissionError(plugin.name, `hooks:${hook}`);
        const live = this.#hook(hook);
        return taps.add(live, options, (...values) => {
          const call = values.at(-1) as { readonly signal: AbortSignal };
          return run(values.slice(0, -1), call.signal);
        });
      },
    };
  }

  #hook(name: string): AnyLiveHook {
    const hook = allHooks(this.#parts.hooks).find((hook) => hook.name === name);
    if (!hook) throw new CoreError('E_INVALID', { message: `there is no hook ${name}` });
    return hook;
  }
}
