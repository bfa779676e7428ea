export { claim, pair, parallel, reduce, series } from './declare.js';
export type {
  ClaimHook, ClaimTap, HookDeclaration, HookKind, HookOptions, PairHook, PairTap, ParallelHook, ParallelTap, ReduceHook, ReduceTap, SeriesHook, SeriesTap,
  TapCall, TapOf, TapOptions, Undo,
} from './declare.js';
export { createHook, type AnyLiveHook, type HookSettings, type LiveHook } from './live.js';
export type { HookDescription, StagedTap, TapTarget } from './tap-list.js';
