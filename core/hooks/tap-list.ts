/**
 * The taps of one hook. Comes in: a plugin's function with its wishes. Goes out: the ordered list of those that are live.
 * Called by `live.ts`, which compiles the list, and by a swap, which stages the taps of the next plugin and turns them live
 * all at once.
 */
import { CoreError } from '../errors/index.js';
import type { HookKind, TapOptions } from './declare.js';
import { checkNames, orderTaps, type Orderable } from './order.js';

export interface TapTarget extends TapOptions {
  readonly plugin: string;
}

export interface HookDescription {
  readonly name: string;
  readonly kind: HookKind;
  readonly about: string;
  /** Labels (`plugin` or `plugin/name`) in the order they are called. */
  readonly taps: readonly string[];
}

/** A tap that is known, and checked, but not called yet. */
export interface StagedTap {
  /** From now on it is called. */
  activate(): void;
  /** Removes it, live or not. Idempotent. */
  remove(): void;
}

export interface ListedTap<Tap> extends Orderable {
  readonly fn: Tap;
  live: boolean;
}

export interface TapListOptions {
  /** `container.spec`. */
  readonly hook: string;
  /** A plugin's place in the plan; `undefined` for a name that is no plugin. */
  readonly position: (plugin: string) => number | undefined;
  readonly onChange: () => void;
}

export class TapList<Tap> {
  readonly #options: TapListOptions;
  #taps: Array<ListedTap<Tap>> = [];
  #ordered: ReadonlyArray<ListedTap<Tap>> | undefined = [];
  #added = 0;

  constructor(options: TapListOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return !this.#taps.some(({ live }) => live);
  }

  /** Those that are called, in order. */
  get live(): ReadonlyArray<ListedTap<Tap>> {
    this.#ordered ??= orderTaps(this.#options.hook, this.#taps.filter(({ live }) => live));
    return this.#ordered;
  }

  /**
   * Checks a tap against those it will be called with: all, or in a swap all but those of the plugin it `replaces`. Throws
   * `E_INVALID` (unknown name, label taken) and `E_CYCLE`; the list is then as it was.
   */
  stage(target: TapTarget, fn: Tap, replaces?: string): StagedTap {
    const { hook, position } = this.#options;
    const tap = this.#listed(target, fn);
    const beside = this.#taps.filter(({ live, plugin }) => !(live && plugin === replaces));
    if (beside.some(({ label }) => label === tap.label)) throw takenError(hook, tap);
    checkNames(hook, tap, { taps: [...beside, tap], isPlugin: (name) => position(name) !== undefined });
    orderTaps(hook, [...beside, tap]);
    this.#taps.push(tap);
    return {
      activate: () => {
        tap.live = true;
        this.#changed();
      },
      remove: () => {
        this.#taps = this.#taps.filter((other) => other !== tap);
        this.#changed();
      },
    };
  }

  #listed({ plugin, name, before = [], after = [] }: TapTarget, fn: Tap): ListedTap<Tap> {
    const place = this.#options.position(plugin) ?? Number.MAX_SAFE_INTEGER;
    const label = name === undefined ? plugin : `${plugin}/${name}`;
    return { plugin, label, before, after, rank: [place, this.#added++], fn, live: false };
  }

  // Sorting waits for the next reader: a swap takes out and puts in several taps, and only the end result must fit together.
  #changed(): void {
    this.#ordered = undefined;
    this.#options.onChange();
  }
}

function takenError(hook: string, { plugin, label }: Orderable): CoreError {
  return new CoreError('E_INVALID', {
    message: `hook ${hook}: ${plugin} has a tap ${label} already`,
    hint: 'Give each of several taps of one plugin a name of its own.',
    step: `${hook} (${label})`,
  });
}
