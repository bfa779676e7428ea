/**
 * The only file that knows tapable. Comes in: a kind and its taps in their final order. Goes out: one compiled function that
 * calls them so. Called by `live.ts` whenever its list has changed; a compiled hook never changes, because tapable cannot
 * remove a tap, misorders `before` with three taps and does not say which tap threw.
 */
import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable';
import type { HookKind } from './declare.js';

/** A tap as tapable calls it: `first` is the payload, `rest` what goes along unchanged. */
export type CompiledTap = (first: unknown, rest: unknown) => Promise<unknown>;

export function compileTaps(kind: HookKind, taps: ReadonlyArray<{ readonly label: string; readonly call: CompiledTap }>): CompiledTap {
  const hook = emptyHook(kind);
  // What a tap answers is for the kind to say; tapable's types know of none.
  for (const { label, call } of taps) hook.tapPromise(label, call as (first: unknown, rest: unknown) => Promise<never>);
  return (first, rest) => hook.promise(first, rest) as Promise<unknown>;
}

function emptyHook(kind: HookKind) {
  switch (kind) {
    case 'parallel':
      return new AsyncParallelHook<[unknown, unknown]>(['first', 'rest']);
    case 'claim':
      return new AsyncSeriesBailHook<[unknown, unknown], unknown>(['first', 'rest']);
    case 'reduce':
      return new AsyncSeriesWaterfallHook<[unknown, unknown]>(['first', 'rest']);
    case 'series':
    case 'pair':
      return new AsyncSeriesHook<[unknown, unknown]>(['first', 'rest']);
  }
}
