/**
 * One plugin in this process. Comes in: a plugin, its needs and the kernel's facilities. Goes out: what it provides, and the
 * handles to hand over and close. Called by the kernel, and by the child of an isolated plugin, which is in process there.
 */
import { bounded } from '../async/index.js';
import { methodList, methodOf } from '../contracts/index.js';
import { CoreError, toCoreError } from '../errors/index.js';
import type { EventSource } from '../events/index.js';
import type { TapOptions } from '../hooks/index.js';
import { lifecycles } from '../lifecycle/index.js';
import type { Logger } from '../log/index.js';
import type { PluginContext } from './context.js';
import type { Plugin } from './define-plugin.js';
import { scopedFiles } from './files.js';
import type { PluginState } from './isolation.js';
import { checkEventType, grantsHook, permissionError } from './permissions.js';
import { Scope } from './scope.js';

export interface LocalFacilities {
  readonly events: EventSource;
  /** Taps `container.spec` and the like in the plugin's name. */
  tap(hook: string, options: TapOptions, fn: (...values: readonly unknown[]) => unknown): () => void;
  /** The plugin's corner of the state store; `undefined` where there is none. */
  readonly state: PluginState | undefined;
}

export interface LocalRequest {
  readonly plugin: Plugin;
  /** Validated. */
  readonly config: unknown;
  /** The ports under the plugin's local names; an unmet optional need is left out. */
  readonly ports: Readonly<Record<string, unknown>>;
  readonly facilities: LocalFacilities;
  readonly log: Logger;
  readonly root: string;
  readonly runRoot: string;
  /** As in `PluginContext`. Default: `root`, and false. */
  readonly shared?: string | undefined;
  readonly lease?: boolean | undefined;
  readonly previous: unknown;
  /** Ends the setup. */
  readonly signal: AbortSignal;
  /** Milliseconds `setup` has. */
  readonly deadline: number;
}

/** A plugin that is up, wherever it runs. */
export interface RunningPlugin {
  readonly implementations: Readonly<Record<string, unknown>>;
  /** Labels of what it holds. */
  effects(): string[];
  handover(): Promise<unknown>;
  takeBack(state: unknown): Promise<void>;
  /** Undoes everything it holds. Throws all failures as one `E_PLUGIN`. Idempotent. */
  close(): Promise<void>;
  /** Settles when it has ended by itself, with the reason. Only what runs in a process of its own can. */
  readonly closed?: Promise<CoreError | undefined>;
}

/** Runs `setup`. When it fails, everything it acquired is undone before `E_PLUGIN` (or `E_ABORTED`) is thrown. */
export async function setUpLocal(request: LocalRequest): Promise<RunningPlugin> {
  const { plugin, deadline, signal } = request;
  const scope = new Scope(plugin.name);
  const ending = new AbortController();
  const handover: Handover = {};
  const close = (): Promise<void> => {
    ending.abort(new CoreError('E_CLOSED', { message: `${plugin.name} is closing` }));
    return scope.close();
  };
  try {
    const ctx = makeContext(request, { scope, handover, signal: ending.signal });
    // Not before the next turn, so that a setup which throws at once and one which rejects look alike.
    const work = Promise.resolve().then(() => plugin.setup(ctx as never));
    const implementations = checkProvides(plugin, await bounded(work, { what: 'setup', deadline, signal }));
    return {
      implementations,
      effects: () => scope.effects(),
      handover: async () => handover.give?.(),
      takeBack: async (state) => void (await handover.takeBack?.(state)),
      close,
    };
  } catch (error) {
    const unwinding = await close().catch(toCoreError);
    throw setupError(plugin.name, error, unwinding ?? undefined);
  }
}

export function setupError(plugin: string, thrown: unknown, unwinding: CoreError | undefined): CoreError {
  const cause = toCoreError(thrown);
  return new CoreError(cause.code === 'E_ABORTED' ? 'E_ABORTED' : 'E_PLUGIN', {
    message: `${plugin}: setup failed: ${cause.message}`,
    object: { kind: 'plugin', id: plugin },
    hint: cause.code === 'E_INTERNAL' ? undefined : cause.hint || undefined,
    cause: thrown,
    issues: unwinding?.issues,
  });
}

interface Handover {
  give?: () => unknown;
  takeBack?: ((state: unknown) => unknown) | undefined;
}

interface Inner {
  readonly scope: Scope;
  readonly handover: Handover;
  readonly signal: AbortSignal;
}

function makeContext({ plugin, config, ports, facilities, log, root, runRoot, shared = root, lease = false, previous }: LocalRequest, { scope, handover, signal }: Inner): object {
  const { name, version, permissions } = plugin;
  const base: PluginContext<unknown> = {
    plugin: Object.freeze({ name, version }),
    config,
    log,
    signal,
    root,
    runRoot,
    shared,
    lease,
    events: scopedEvents(name, facilities.events, scope),
    effect: (label, undo, options) => scope.effect(label, undo, options),
    handover: (give, takeBack) => void Object.assign(handover, { give, takeBack }),
    previous,
  };
  const has = (prefix: string): boolean => permissions.some((permission) => permission.startsWith(prefix));
  const needs = Object.fromEntries(Object.keys(plugin.needs).map((local) => [local, ports[local]]));
  return Object.freeze({
    ...base,
    ...needs,
    ...(has('hooks:') && { hooks: tapPoints(plugin, facilities, scope) }),
    ...(has('fs:') && { fs: scopedFiles(name, permissions) }),
    ...(has('state') && { state: facilities.state ?? noState(name) }),
  });
}

/** All hooks are there, so that a plugin in JavaScript reads which permission it lacks instead of "undefined is not a function". */
function tapPoints({ name, permissions }: Plugin, facilities: LocalFacilities, scope: Scope): object {
  const point = (hook: string) => ({
    tap(options: TapOptions, fn: (...values: readonly unknown[]) => unknown): () => void {
      if (!grantsHook(permissions, hook)) throw permissionError(name, `hooks:${hook}`);
      const untap = facilities.tap(hook, options, fn);
      const release = scope.effect(`tap ${hook}`, untap);
      return () => {
        untap();
        void release();
      };
    },
  });
  return Object.fromEntries(
    Object.entries(lifecycles).map(([life, hooks]) => [life, Object.fromEntries(Object.keys(hooks).map((hook) => [hook, Object.freeze(point(`${life}.${hook}`))]))]),
  );
}

/** Listeners and subscriptions end with the plugin. */
function scopedEvents(plugin: string, events: EventSource, scope: Scope): EventSource {
  return Object.freeze({
    emit: (event: Parameters<EventSource['emit']>[0]) => {
      checkEventType(plugin, event.type);
      return events.emit(event);
    },
    on: (listener: Parameters<EventSource['on']>[0]) => {
      const remove = events.on(listener);
      const release = scope.effect('event listener', remove);
      return () => {
        remove();
        void release();
      };
    },
    subscribe: (options?: Parameters<EventSource['subscribe']>[0]) => {
      const items = events.subscribe(options);
      const release = scope.effect('event subscription', () => items.return?.());
      return releasing(items, release);
    },
  });
}

function releasing<T>(items: AsyncIterableIterator<T>, release: () => Promise<void>): AsyncIterableIterator<T> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const result = await items.next();
      if (result.done) await release();
      return result;
    },
    return: async () => {
      await release();
      return { done: true, value: undefined };
    },
  };
}

function noState(plugin: string): PluginState {
  const refuse = (): never => {
    throw new CoreError('E_UNSUPPORTED', { message: `${plugin}: this kernel keeps no state`, hint: 'Boot the kernel with a state store.' });
  };
  return { get: refuse, put: refuse, remove: refuse, list: refuse };
}

/** Everything `provides` promises is there, with every method of its contract. */
function checkProvides({ name, provides }: Plugin, returned: unknown): Readonly<Record<string, unknown>> {
  const implementations = (returned ?? {}) as Record<string, unknown>;
  const missing = Object.entries(provides).flatMap(([local, contract]) =>
    methodList(contract)
      .filter(([method]) => !methodOf(implementations[local], method))
      .map(([method]) => `${local}.${method} (${contract.key})`),
  );
  if (missing.length === 0) return implementations;
  throw new CoreError('E_PLUGIN', { message: `setup returned nothing for ${missing.join(', ')}`, object: { kind: 'plugin', id: name } });
}
