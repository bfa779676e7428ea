/**
 * When others may step in. Comes in: one sentence and the types of a hook. Goes out: a frozen declaration, from which
 * `createHook` makes a live one per kernel. Called by the files in `core/lifecycle`, where all hooks of the engine stand.
 *
 * Five kinds. `series`: taps run one after the other, for what they do. `parallel`: all at once; every one is waited for, then
 * all failures are thrown together. `claim`: one after the other until one answers; its answer wins. `reduce`: a value is
 * handed from tap to tap. `pair`: each tap returns its undo (or nothing); a failure runs the undos so far in reverse.
 */
export type HookKind = 'series' | 'parallel' | 'claim' | 'reduce' | 'pair';

/** What a tap gets beside its payload. */
export interface TapCall {
  /** Fires when the operation is aborted or the tap has used up the hook's deadline: its answer is no longer wanted. */
  readonly signal: AbortSignal;
}

/**
 * Takes back what one tap, or a whole `pair` hook, did. Idempotent. It may be called long after the run, when the plugin has
 * been swapped or closed, so it must not lean on what `ctx.effect` has taken back by then.
 */
export type Undo = () => Promise<void>;

export type SeriesTap<Payload> = (payload: Payload, call: TapCall) => void | Promise<void>;
export type ParallelTap<Payload> = SeriesTap<Payload>;
export type ClaimTap<Payload, Result> = (payload: Payload, call: TapCall) => Result | undefined | Promise<Result | undefined>;
/** Returns the value to hand on; `undefined` hands on the one it got. */
export type ReduceTap<Value, Context> = (value: Value, context: Context, call: TapCall) => Value | undefined | Promise<Value | undefined>;
type TapUndo = () => void | Promise<void>;
// `void` beside a function is wanted here: a tap that has nothing to take back need not return anything.
export type PairTap<Payload> = (payload: Payload, call: TapCall) => TapUndo | void | Promise<TapUndo | void>;

export interface TapOptions {
  /** Tells several taps of one plugin on one hook apart. Others order themselves against it as `plugin/name`. */
  readonly name?: string | undefined;
  /**
   * Come before, or after, these: plugins (`mesh`) or single taps (`mesh/rewrite`). A name that is neither a plugin of the plan
   * nor a tap of the hook is an error, unless it ends in `?` (`mesh?`): then it orders if it is there.
   */
  readonly before?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
}

export interface HookDeclaration<Kind extends HookKind = HookKind, Tap = unknown> {
  readonly kind: Kind;
  /** One sentence: when it runs and what a tap is there for. */
  readonly about: string;
  /** Milliseconds each tap has. */
  readonly deadline: number;
  /** Carries the tap's type for inference; never present at run time. */
  readonly tap?: Tap;
}

export type SeriesHook<Payload> = HookDeclaration<'series', SeriesTap<Payload>>;
export type ParallelHook<Payload> = HookDeclaration<'parallel', ParallelTap<Payload>>;
export type ClaimHook<Payload, Result> = HookDeclaration<'claim', ClaimTap<Payload, Result>>;
export type ReduceHook<Value, Context> = HookDeclaration<'reduce', ReduceTap<Value, Context>>;
export type PairHook<Payload> = HookDeclaration<'pair', PairTap<Payload>>;

/** The function a tap of this hook is. */
export type TapOf<Declaration> = Declaration extends HookDeclaration<HookKind, infer Tap> ? Tap : never;

export interface HookOptions {
  /** Milliseconds each tap has before it fails with `E_TIMEOUT`. Default 30 s. */
  readonly deadline?: number | undefined;
}

const DEFAULT_DEADLINE = 30_000;

export function series<Payload>(about: string, options?: HookOptions): SeriesHook<Payload> {
  return declare('series', about, options);
}

export function parallel<Payload>(about: string, options?: HookOptions): ParallelHook<Payload> {
  return declare('parallel', about, options);
}

export function claim<Payload, Result>(about: string, options?: HookOptions): ClaimHook<Payload, Result> {
  return declare('claim', about, options);
}

export function reduce<Value, Context>(about: string, options?: HookOptions): ReduceHook<Value, Context> {
  return declare('reduce', about, options);
}

export function pair<Payload>(about: string, options?: HookOptions): PairHook<Payload> {
  return declare('pair', about, options);
}

function declare<Kind extends HookKind>(kind: Kind, about: string, { deadline = DEFAULT_DEADLINE }: HookOptions = {}): HookDeclaration<Kind, never> {
  return Object.freeze({ kind, about, deadline });
}
