/**
 * The seam between the kernel and whoever runs a plugin outside its process. Comes in: what the plugin would get in process.
 * Goes out: its implementations, which the kernel puts behind the same ports. Implemented over `core/ipc`, called by
 * `kernel/starter.ts` for plugins with `isolation` other than `none`.
 */
import type { Contract, EngineEvent } from '../contracts/index.js';
import type { Logger } from '../log/index.js';
import type { PublishedEvent, SubscribeOptions } from '../events/index.js';

export type Isolation = 'none' | 'process' | 'sandbox';

export interface SpawnRequest {
  /** Name of the plugin, for messages and for the child's title. */
  readonly plugin: string;
  /** Absolute path or `file:` URL of the module whose default export is the plugin. */
  readonly module: string;
  readonly isolation: Exclude<Isolation, 'none'>;
  /** As written in the plugin set; the child validates it with the plugin's own schema. */
  readonly config: unknown;
  /** The manifest's: what the child may be granted, and no more. */
  readonly permissions: readonly string[];
  readonly root: string;
  readonly runRoot: string;
  /** As in `PluginContext`. Default: `root`, and false. */
  readonly shared?: string | undefined;
  readonly lease?: boolean | undefined;
  /** What the child may call, under the plugin's local names. An optional need without a provider is left out. */
  readonly needs: Readonly<Record<string, { readonly contract: Contract<unknown>; readonly port: unknown }>>;
  /** What the child must provide, under the plugin's local names. */
  readonly provides: Readonly<Record<string, Contract<unknown>>>;
  /** State of the former instance in a swap, as data; `undefined` otherwise. */
  readonly previous: unknown;
  readonly host: IsolatedFacilities;
  readonly log: Logger;
  /** Ends the spawn, or the plugin once it is up. */
  readonly signal: AbortSignal;
}

/** What a plugin in another process asks of the kernel besides its needs. Every one checks the permissions itself. */
export interface IsolatedFacilities {
  /** Taps a hook for the plugin. `run` answers as the tap would: for `pair` with an undo, or nothing. */
  tap(tap: IsolatedTap, run: IsolatedTapRun): () => void;
  emit(event: PublishedEvent): void;
  /** The kernel's events from now on. */
  subscribe(options: SubscribeOptions): AsyncIterable<EngineEvent>;
  /** The plugin's own corner of the state store; `undefined` without the permission. */
  readonly state: PluginState | undefined;
}

export interface IsolatedTap {
  /** `container.spec`. */
  readonly hook: string;
  readonly name?: string | undefined;
  readonly before?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
}

/** `values` are the tap's arguments but for the last (`call`): one, or for `reduce` the value and its context. */
export type IsolatedTapRun = (values: readonly unknown[], signal: AbortSignal) => Promise<unknown>;

/** Small durable values under keys of the plugin's own; what is big belongs into files. */
export interface PluginState {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
  /** Keys and values in the order of keys, those that begin with `prefix`. */
  list(prefix?: string): Promise<ReadonlyArray<readonly [key: string, value: unknown]>>;
}

export interface IsolatedPlugin {
  /** One per `provides`, under the same local names. */
  readonly implementations: Readonly<Record<string, unknown>>;
  /** Asks the plugin for its state and to let go of what its successor needs; `undefined` if it has nothing to hand over. */
  handover(): Promise<unknown>;
  /** The successor failed: the plugin takes back what it handed over. */
  takeBack(state: unknown): Promise<void>;
  /** Closes the plugin's scope, then the child. Idempotent. */
  close(): Promise<void>;
  /** Settles when the child has ended, asked or not; with the reason when it was not asked. */
  readonly closed: Promise<Error | undefined>;
}

export interface IsolationHost {
  /** Resolves once the child's setup has succeeded. Leaves nothing behind when it rejects. */
  spawn(request: SpawnRequest): Promise<IsolatedPlugin>;
}
