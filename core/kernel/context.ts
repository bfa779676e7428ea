/**
 * What `setup` gets, as types. Comes in: the types of a manifest. Goes out: the type of its `ctx`, where only what was asked
 * for exists. Filled at run time by `instance.ts`.
 */
import type { Contract, ContractType } from '../contracts/index.js';
import type { EventSource } from '../events/index.js';
import type { TapOf, TapOptions } from '../hooks/index.js';
import type { Lifecycles } from '../lifecycle/index.js';
import type { Logger } from '../log/index.js';
import type { ScopedFiles } from './files.js';
import type { PluginState } from './isolation.js';
import type { Permission } from './permissions.js';

/** A need that may stay unmet. */
export interface OptionalNeed<C extends Contract<unknown> = Contract<unknown>> {
  readonly optional: C;
}

export type Need = Contract<unknown> | OptionalNeed;

/** What every plugin gets. */
export interface PluginContext<Config> {
  readonly plugin: { readonly name: string; readonly version: string };
  /** As the manifest's schema returned it; `undefined` without a schema. */
  readonly config: Config;
  /** Every line names the plugin. */
  readonly log: Logger;
  /** Fires when the plugin is to close, or its setup is given up. */
  readonly signal: AbortSignal;
  /** The kernel's folder for what lasts, and the one for sockets and what may go at reboot. */
  readonly root: string;
  readonly runRoot: string;
  /** The folder all kernels of the machine share, for what is content-addressed: images. Often the same as `root`. */
  readonly shared: string;
  /** The kernel is private to a job or a script: nothing it started may outlive this process. */
  readonly lease: boolean;
  /** Listening ends with the plugin. What it publishes has a type that begins with its name (`mesh.joined`), else `E_PERMISSION`. */
  readonly events: EventSource;
  /**
   * Registers the undo of something just acquired. On closing, undos run last first, each awaited, each with `deadline`
   * milliseconds (default 10 s). Returns its early release: runs the undo now, once. After closing, runs the undo at once and
   * throws `E_CLOSED`.
   */
  effect(label: string, undo: () => unknown, options?: { readonly deadline?: number | undefined }): () => Promise<void>;
  /**
   * What a swap hands to the next version. `give` lets go of what the successor needs and returns plain data; it runs when no
   * call is under way. `takeBack` restores it, should the successor fail.
   */
  handover(give: () => unknown, takeBack?: (state: unknown) => unknown): void;
  /** What the former version gave; `undefined` at a first start. Not to be trusted to have this version's shape. */
  readonly previous: unknown;
}

type Port<N> = N extends OptionalNeed<infer C> ? ContractType<C> | undefined : ContractType<N>;

export type Ports<Needs> = { readonly [Name in keyof Needs]: Port<Needs[Name]> };

/** What `setup` must return: an implementation per `provides`, nothing when there is none. */
export type Implementations<Provides> = [keyof Provides] extends [never] ? void | Record<string, never> : { readonly [Name in keyof Provides]: ContractType<Provides[Name]> };

export interface TapPoint<Tap> {
  /** Taps the hook until the plugin closes, or until the returned removal is called. Throws `E_INVALID` or `E_CYCLE`. */
  tap(options: TapOptions, fn: Tap): () => void;
}

type Granted<Permissions extends Permission, Life extends string, Hook extends string> = Extract<Permissions, 'hooks:*' | `hooks:${Life}.*` | `hooks:${Life}.${Hook}`>;

type GrantedIn<Permissions extends Permission, Life extends keyof Lifecycles> = {
  readonly [Hook in keyof Lifecycles[Life] & string as Granted<Permissions, Life, Hook> extends never ? never : Hook]: TapPoint<TapOf<Lifecycles[Life][Hook]>>;
};

/** The tap points of the hooks that `permissions` name, and no others. */
export type GrantedHooks<Permissions extends Permission> = {
  readonly [Life in keyof Lifecycles as keyof GrantedIn<Permissions, Life> extends never ? never : Life]: GrantedIn<Permissions, Life>;
};

type IfGranted<Permissions extends Permission, Wanted extends string, Facility> = Extract<Permissions, Wanted> extends never ? unknown : Facility;

export type Context<Config, Needs, Permissions extends Permission> = PluginContext<Config> &
  Ports<Needs> &
  IfGranted<Permissions, `hooks:${string}`, { readonly hooks: GrantedHooks<Permissions> }> &
  IfGranted<Permissions, `fs:${string}`, { readonly fs: ScopedFiles }> &
  IfGranted<Permissions, 'state', { readonly state: PluginState }>;

/** Names a need cannot have, because `ctx` has them. */
export type ReservedName = keyof PluginContext<unknown> | 'hooks' | 'fs' | 'state';
