/**
 * The objects a kernel is made of, wired. Comes in: the options of a boot. Goes out: registry, hooks, events, starter and
 * swapper, each made from the others once. Called by `bootKernel`. This is the one place where awilix wires; lifetimes are
 * the scopes' and plugins never see the injector.
 */
// The build without awilix's loader of files by pattern, which nobody here wants and which takes 20 ms to load.
import { asFunction, asValue, createContainer, InjectionMode } from 'awilix/browser';
import type { HookInfo, PluginInfo } from '../contracts/index.js';
import { createEventBus, type EventBus } from '../events/index.js';
import { liveLifecycles, lifecycles, type LifecycleHooks } from '../lifecycle/index.js';
import { silentLogger, type Logger } from '../log/index.js';
import type { Bindings } from './plan.js';
import type { RestartPolicy } from './restart.js';
import { Registry, type KernelEntry } from './registry.js';
import { Starter, type StarterSettings } from './starter.js';
import { Swapper } from './swap.js';

export interface KernelOptions extends StarterSettings {
  readonly plugins: readonly KernelEntry[];
  readonly bindings?: Bindings | undefined;
  /** Default: silent. */
  readonly log?: Logger | undefined;
  /** Where events are published. Default: a bus of the kernel's own, which begins at 1. */
  readonly events?: EventBus | undefined;
  /** Told of the kernel before its first plugin starts: the operations, a plugin themselves, run its hooks. */
  readonly onWired?: ((kernel: Wired) => void) | undefined;
  /** When isolated plugins are brought back whose process has ended. `false`: never. */
  readonly restart?: RestartPolicy | false | undefined;
  /** Aborts the boot. Once the kernel is up, it changes nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** What a kernel has before anything is up. */
export interface Wired {
  readonly hooks: LifecycleHooks;
  plugins(): PluginInfo[];
  hookMap(): HookInfo[];
}

export interface KernelParts {
  readonly settings: KernelOptions;
  readonly log: Logger;
  readonly events: EventBus;
  readonly registry: Registry;
  readonly hooks: LifecycleHooks;
  readonly starter: Starter;
  readonly swapper: Swapper;
}

/** Throws what `makePlan` throws. */
export function wireParts(options: KernelOptions): KernelParts {
  const injector = createContainer<KernelParts>({ injectionMode: InjectionMode.PROXY, strict: true });
  injector.register({
    settings: asValue(options),
    log: asValue(options.log ?? silentLogger),
    events: asFunction(makeEvents).singleton(),
    registry: asFunction(({ settings }: KernelParts) => new Registry(settings.plugins, settings.bindings)).singleton(),
    hooks: asFunction(({ registry }: KernelParts) => liveLifecycles(lifecycles, (plugin) => registry.position(plugin))).singleton(),
    starter: asFunction(({ registry, hooks, events, log, settings }: KernelParts) => new Starter({ registry, hooks, events, log, settings })).singleton(),
    swapper: asFunction(({ registry, hooks, events, log, starter }: KernelParts) => new Swapper({ registry, hooks, events, log, starter })).singleton(),
  });
  const { settings, log, events, registry, hooks, starter, swapper } = injector.cradle;
  return { settings, log, events, registry, hooks, starter, swapper };
}

function makeEvents({ settings, log }: KernelParts): EventBus {
  return settings.events ?? createEventBus({ report: (err, { type }) => log.error({ err, event: type }, 'a listener failed') });
}
