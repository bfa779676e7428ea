/**
 * What a lifecycle is. Comes in: a name and its hooks, in order. Goes out: the frozen declaration, and per kernel the live
 * hooks of it. Called by the files beside this one and by the kernel at boot.
 */
import { createHook, type HookDeclaration, type LiveHook } from '../hooks/index.js';

export interface Lifecycle<Name extends string = string, Hooks extends HookTable = HookTable> {
  readonly name: Name;
  /** The order of properties is the order in which they run. */
  readonly hooks: Hooks;
}

type HookTable = Readonly<Record<string, HookDeclaration>>;

export type LiveLifecycle<Hooks> = { readonly [Name in keyof Hooks]: LiveHook<Hooks[Name]> };

/** An `admit` tap's answer when it objects. The first one wins; no answer is no objection. */
export interface Refusal {
  /** Whole sentence for the user: what is refused and what to do. */
  readonly reason: string;
}

export function lifecycle<const Name extends string, Hooks extends HookTable>(name: Name, hooks: Hooks): Lifecycle<Name, Hooks> {
  return Object.freeze({ name, hooks: Object.freeze(hooks) });
}

/** One live hook per declaration, named `lifecycle.hook`. `position` is a plugin's place in the plan. */
export function liveLifecycles<Table extends Readonly<Record<string, HookTable>>>(
  table: Table,
  position: (plugin: string) => number | undefined,
): { readonly [Name in keyof Table]: LiveLifecycle<Table[Name]> } {
  const live = Object.entries(table).map(([name, hooks]) => [
    name,
    Object.freeze(Object.fromEntries(Object.entries(hooks).map(([hook, declaration]) => [hook, createHook(declaration, { name: `${name}.${hook}`, position })]))),
  ]);
  return Object.freeze(Object.fromEntries(live)) as { readonly [Name in keyof Table]: LiveLifecycle<Table[Name]> };
}
