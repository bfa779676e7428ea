/**
 * The taps of one instance of a plugin. Comes in: taps, from its setup or later. Goes out: the same on the hooks, live at once
 * or, in a swap, all together. Made by boot and swap, filled by `starter.ts`.
 */
import type { AnyLiveHook, StagedTap, TapOptions } from '../hooks/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';

export class TapKeeper {
  readonly #taps = new Set<StagedTap>();
  readonly #plugin: string;
  #staging: boolean;

  constructor(plugin: string, { staging }: { readonly staging: boolean }) {
    this.#plugin = plugin;
    this.#staging = staging;
  }

  /** Throws `E_INVALID` or `E_CYCLE`. Returns the removal, which is idempotent. */
  add(hook: AnyLiveHook, { name, before, after }: TapOptions, fn: (...values: readonly unknown[]) => unknown): () => void {
    const target = { plugin: this.#plugin, name, before, after };
    const tap = hook.stage(target, fn as (...values: readonly never[]) => unknown, this.#staging ? this.#plugin : undefined);
    this.#taps.add(tap);
    if (!this.#staging) tap.activate();
    return () => {
      this.#taps.delete(tap);
      tap.remove();
    };
  }

  /** Turns what was staged live, and everything that comes later at once. */
  activate(): void {
    this.#staging = false;
    for (const tap of this.#taps) tap.activate();
  }

  remove(): void {
    for (const tap of this.#taps) tap.remove();
    this.#taps.clear();
  }
}

/** In the order of the lifecycles. */
export function allHooks(hooks: LifecycleHooks): AnyLiveHook[] {
  return Object.values(hooks).flatMap((life) => Object.values(life) as AnyLiveHook[]);
}
