/**
 * What the kernel and the child of an isolated plugin say to each other, besides the plugin's own contracts. Two contracts like
 * any other: `isolation-host` is the kernel's, `isolated-plugin` the child's. Used by `isolate.ts` and `isolate-child.ts`.
 */
import { call, defineContract, stream, type CallOptions, type EngineEvent } from '../contracts/index.js';
import type { PublishedEvent } from '../events/index.js';
import type { IsolatedTap } from './isolation.js';

export interface IsolationHostCalls {
  /** Taps a hook; from then on the kernel calls `runTap` with the id, which the child chose. */
  tap(request: IsolatedTap & { readonly id: number }, call?: CallOptions): Promise<void>;
  untap(request: { readonly id: number }, call?: CallOptions): Promise<void>;
  emit(request: PublishedEvent, call?: CallOptions): Promise<void>;
  events(request: { readonly types?: readonly string[] | undefined; readonly buffer?: number | undefined }, call?: CallOptions): AsyncIterable<EngineEvent>;
  /** One record, as JSON. */
  log(request: { readonly record: string }, call?: CallOptions): Promise<void>;
  readonly state: {
    get(request: { readonly key: string }, call?: CallOptions): Promise<unknown>;
    put(request: { readonly key: string; readonly value: unknown }, call?: CallOptions): Promise<void>;
    remove(request: { readonly key: string }, call?: CallOptions): Promise<void>;
    list(request: { readonly prefix?: string | undefined }, call?: CallOptions): Promise<ReadonlyArray<readonly [key: string, value: unknown]>>;
  };
}

export const IsolationHostCalls = defineContract<IsolationHostCalls>()('isolation-host', 1, {
  tap: call(), untap: call(), emit: call(), events: stream(), log: call(),
  state: { get: call(), put: call(), remove: call(), list: call() },
});

export interface SetupRequest {
  readonly plugin: string;
  readonly config: unknown;
  readonly root: string;
  readonly runRoot: string;
  readonly shared: string | undefined;
  readonly lease: boolean | undefined;
  readonly previous: unknown;
  /** Local names of the needs that are met. */
  readonly needs: readonly string[];
  /** Milliseconds the plugin's `setup` has. */
  readonly deadline: number;
}

export interface IsolatedPluginCalls {
  /** Resolves when the plugin is up and all its taps are in place. */
  setup(request: SetupRequest, call?: CallOptions): Promise<void>;
  /** `undo`: the tap returned one, to be called under this number. */
  runTap(request: { readonly id: number; readonly values: readonly unknown[] }, call?: CallOptions): Promise<{ readonly value?: unknown; readonly undo?: number | undefined }>;
  undo(request: { readonly undo: number }, call?: CallOptions): Promise<void>;
  handover(request: Record<string, never>, call?: CallOptions): Promise<unknown>;
  takeBack(request: { readonly state: unknown }, call?: CallOptions): Promise<void>;
  close(request: Record<string, never>, call?: CallOptions): Promise<void>;
}

/** Taps, handover and closing have deadlines of the kernel's own. */
export const IsolatedPluginCalls = defineContract<IsolatedPluginCalls>()('isolated-plugin', 1, {
  setup: call({ deadline: 0 }),
  runTap: call({ deadline: 0 }),
  undo: call({ deadline: 0 }),
  handover: call({ deadline: 0 }),
  takeBack: call({ deadline: 0 }),
  close: call({ deadline: 0 }),
});
