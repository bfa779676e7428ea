/**
 * The kernel. Comes in: a set of plugins and its bindings. Goes out: all of them up, in plan order, behind ports and hooks that
 * stay the same while what is behind them is swapped. Called by `createKernel` (core/index.ts), which adds the operations.
 */
import { bounded } from '../async/index.js';
import type { Contract, HookInfo, PluginInfo } from '../contracts/index.js';
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';
import type { EventBus } from '../events/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';
import { bringDown, bringUp } from './boot.js';
import { effectsOf, hookMapOf, pluginsOf, type HeldEffect } from './inspect.js';
import { wireParts, type KernelOptions, type KernelParts } from './parts.js';
import type { Plan } from './plan.js';
import type { KernelEntry } from './registry.js';
import { restartFailed } from './restart.js';
import type { SwapOptions } from './swap.js';

export interface CloseOptions {
  /** Milliseconds for all of it. Default 60 s. */
  readonly deadline?: number | undefined;
}

export interface Kernel extends AsyncDisposable {
  /**
   * The port of a contract: stays valid over swaps. Throws `E_UNPROVIDED`, `E_AMBIGUOUS` (settled by `bindings`), or
   * `E_PLUGIN` when the provider was optional and failed.
   */
  port<T>(contract: Contract<T>): T;
  readonly hooks: LifecycleHooks;
  readonly events: EventBus;
  readonly plan: Plan;
  /** In plan order. */
  plugins(): PluginInfo[];
  /** Every hook in the order of its lifecycle, with its live taps in the order they are called. */
  hookMap(): HookInfo[];
  /** What the plugins hold. Empty once closed: tests assert it. */
  effects(): HeldEffect[];
  /**
   * Puts the next version of a plugin in place of the running one. Calls to it are held back meanwhile, none is lost, and no
   * consumer notices. Throws `E_SWAP`, with the former version back in place; `E_NOT_FOUND` and `E_INVALID` before anything
   * is touched.
   */
  swap(name: string, next: KernelEntry, options?: SwapOptions): Promise<void>;
  /** Closes every plugin, those first that need others. Throws all failures as one `E_PLUGIN`; `E_TIMEOUT`. Idempotent. */
  close(options?: CloseOptions): Promise<void>;
}

const DEFAULT_CLOSE_DEADLINE = 60_000;

/**
 * Boots a set of plugins. Throws `E_INVALID` (a manifest or a config, every fault at once), what `makePlan` throws, `E_PLUGIN`
 * or `E_ABORTED`; everything that was up has been closed by then.
 */
export async function bootKernel(options: KernelOptions): Promise<Kernel> {
  const parts = wireParts(options);
  const kernel = kernelOf(parts);
  options.onWired?.(kernel);
  try {
    await bringUp(parts, options.signal);
  } catch (error) {
    throw withUnwinding(toCoreError(error), await closeAll(parts));
  }
  return kernel;
}

function kernelOf(parts: KernelParts): Kernel {
  const { registry, hooks, events, swapper } = parts;
  const stopRestarts = restartFailed(parts);
  let closing: Promise<void> | undefined;
  const close = ({ deadline = DEFAULT_CLOSE_DEADLINE }: CloseOptions = {}): Promise<void> => {
    stopRestarts();
    closing ??= bounded(swapper.finish().then(() => closeAll(parts)), { what: 'closing the kernel', deadline }).then(throwIssues);
    return closing;
  };
  return Object.freeze({
    port: <T>(contract: Contract<T>) => registry.port(contract),
    hooks,
    events,
    get plan() {
      return registry.plan;
    },
    plugins: () => pluginsOf(registry),
    hookMap: () => hookMapOf(hooks),
    effects: () => effectsOf(registry),
    swap: (name: string, next: KernelEntry, options?: SwapOptions) => swapper.swap(name, next, options),
    close,
    [Symbol.asyncDispose]: () => close(),
  });
}

async function closeAll(parts: KernelParts): Promise<ErrorIssue[]> {
  const issues = await bringDown(parts);
  // A bus that was handed in is the embedder's to close.
  if (parts.settings.events === undefined) parts.events.close();
  return issues;
}

function throwIssues(issues: readonly ErrorIssue[]): void {
  if (issues.length === 0) return;
  throw new CoreError('E_PLUGIN', { message: `closing left: ${issues.map(({ path, message }) => `${path} (${message})`).join(', ')}`, issues });
}

function withUnwinding(error: CoreError, issues: readonly ErrorIssue[]): CoreError {
  if (issues.length === 0) return error;
  const { code, message, object, hint, step, cause } = error;
  return new CoreError(code, { message, object, hint, step, cause, issues: [...error.issues, ...issues] });
}
