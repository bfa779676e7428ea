/**
 * Hooks at work. Comes in: a declaration, then taps, then runs of an operation. Goes out: what the taps of that kind make of
 * it. Created once per kernel from `core/lifecycle`; tapped through `ctx.hooks`, run by `core/operations`.
 *
 * A run without taps is what a container start meets eight times, so it allocates nothing: it answers at once, not with a
 * promise. `await` takes both.
 */
import { Gate } from '../async/index.js';
import type { ClaimTap, HookDeclaration, HookKind, PairTap, ParallelTap, ReduceTap, SeriesTap, Undo } from './declare.js';
import { compileRun, nothingToUndo, type Runner } from './kinds.js';
import { TapList, type HookDescription, type StagedTap, type TapTarget } from './tap-list.js';

export interface RunOptions {
  /** Ends the run: the taps are told, the rest is not called, and the run fails with `E_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** What every live hook has, whatever its kind. */
export interface Tappable<Tap> {
  /** `container.spec`. */
  readonly name: string;
  readonly kind: HookKind;
  /** Shut and drained by a swap of a plugin that taps the hook. */
  readonly gate: Gate;
  /** Adds a tap. Returns its removal, which is idempotent. Throws `E_INVALID` or `E_CYCLE` for wishes that cannot be kept. */
  tap(target: TapTarget, fn: Tap): () => void;
  /** Checks and keeps a tap that is not called before `activate`; `replaces` names the plugin a swap takes out. */
  stage(target: TapTarget, fn: Tap, replaces?: string): StagedTap;
  isTappedBy(plugin: string): boolean;
  describe(): HookDescription;
}

export interface LiveSeries<Payload> extends Tappable<SeriesTap<Payload>> {
  /** Throws the first failure (`E_HOOK`, `E_TIMEOUT`, `E_ABORTED`); later taps are not called. */
  run(payload: Payload, options?: RunOptions): Promise<void> | undefined;
}

export interface LiveParallel<Payload> extends Tappable<ParallelTap<Payload>> {
  /** Waits for all, then throws one `E_HOOK` whose cause is an `AggregateError` of every failure. */
  run(payload: Payload, options?: RunOptions): Promise<void> | undefined;
}

export interface LiveClaim<Payload, Result> extends Tappable<ClaimTap<Payload, Result>> {
  /** The first answer that is not `undefined`. */
  run(payload: Payload, options?: RunOptions): Promise<Result | undefined> | undefined;
}

export interface LiveReduce<Value, Context> extends Tappable<ReduceTap<Value, Context>> {
  /** The value after all taps; the very same one when there is none. */
  run(value: Value, context: Context, options?: RunOptions): Promise<Value> | Value;
}

export interface LivePair<Payload> extends Tappable<PairTap<Payload>> {
  /** What takes back all of it, in reverse. When a tap fails, that has happened before the error is thrown. */
  run(payload: Payload, options?: RunOptions): Promise<Undo> | Undo;
}

/** The live hook of a declaration. */
export type LiveHook<Declaration> =
  Declaration extends HookDeclaration<infer Kind, infer Tap>
    ? Kind extends 'series'
      ? Tap extends SeriesTap<infer Payload> ? LiveSeries<Payload> : never
      : Kind extends 'parallel'
        ? Tap extends ParallelTap<infer Payload> ? LiveParallel<Payload> : never
        : Kind extends 'claim'
          ? Tap extends ClaimTap<infer Payload, infer Result> ? LiveClaim<Payload, Result> : never
          : Kind extends 'reduce'
            ? Tap extends ReduceTap<infer Value, infer Context> ? LiveReduce<Value, Context> : never
            : Tap extends PairTap<infer Payload> ? LivePair<Payload> : never
    : never;

/** Any live hook, for those who list, gate or tap without knowing the types. */
export type AnyLiveHook = Tappable<(...values: readonly never[]) => unknown>;

export interface HookSettings {
  /** `container.spec`. */
  readonly name: string;
  /** A plugin's place in the plan: breaks ties, and tells a plugin's name from a misspelt one. Default: no plugin is known. */
  readonly position?: ((plugin: string) => number | undefined) | undefined;
}

export function createHook<Declaration extends HookDeclaration>(declaration: Declaration, settings: HookSettings): LiveHook<Declaration> {
  return new Hook(declaration, settings) as unknown as LiveHook<Declaration>;
}

type UntypedTap = (...values: readonly unknown[]) => unknown;

class Hook implements Tappable<UntypedTap> {
  readonly gate = new Gate();
  readonly name: string;
  readonly kind: HookKind;
  readonly #declaration: HookDeclaration;
  readonly #taps: TapList<UntypedTap>;
  #compiled: Runner | undefined;
  #empty = true;

  constructor(declaration: HookDeclaration, { name, position = () => undefined }: HookSettings) {
    this.name = name;
    this.kind = declaration.kind;
    this.#declaration = declaration;
    this.#taps = new TapList({ hook: name, position, onChange: () => this.#changed() });
  }

  tap(target: TapTarget, fn: UntypedTap): () => void {
    const staged = this.stage(target, fn);
    staged.activate();
    return staged.remove;
  }

  stage(target: TapTarget, fn: UntypedTap, replaces?: string): StagedTap {
    return this.#taps.stage(target, fn, replaces);
  }

  run(first: unknown, second?: unknown, third?: RunOptions): unknown {
    if (this.#empty && this.gate.isOpen) return this.#answerOfNobody(first);
    return this.kind === 'reduce' ? this.#run(first, second, third) : this.#run(first, undefined, second as RunOptions | undefined);
  }

  isTappedBy(plugin: string): boolean {
    return this.#taps.live.some((tap) => tap.plugin === plugin);
  }

  describe(): HookDescription {
    const { kind, about } = this.#declaration;
    return { name: this.name, kind, about, taps: this.#taps.live.map(({ label }) => label) };
  }

  async #run(first: unknown, context: unknown, { signal }: RunOptions = {}): Promise<unknown> {
    // It may be shut again before this run gets its turn.
    while (!this.gate.isOpen) await this.gate.passed(`hook ${this.name}`, signal);
    if (this.#empty) return this.#answerOfNobody(first);
    this.#compiled ??= compileRun({ hook: this.name, deadline: this.#declaration.deadline, kind: this.kind }, this.#taps.live);
    this.gate.enter();
    try {
      return await this.#compiled(first, context, signal);
    } finally {
      this.gate.leave();
    }
  }

  #answerOfNobody(first: unknown): unknown {
    if (this.kind === 'reduce') return first;
    return this.kind === 'pair' ? nothingToUndo : undefined;
  }

  #changed(): void {
    this.#compiled = undefined;
    this.#empty = this.#taps.isEmpty;
  }
}
