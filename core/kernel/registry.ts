/**
 * Who is in the kernel. Comes in: the entries of a plugin set. Goes out: the plan, and per plugin a member with its slots and
 * its state. Read by everything else in this folder; changed by boot, swap and close alone.
 */
import type { Contract, PluginInfo } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import { neededContract, type Plugin } from './define-plugin.js';
import type { Isolation } from './isolation.js';
import type { RunningPlugin } from './local.js';
import { makePlan, providerOf, type Bindings, type Plan } from './plan.js';
import { Slot } from './slot.js';
import { TapKeeper } from './taps.js';

/** One plugin of a set. */
export interface KernelEntry {
  readonly plugin: Plugin;
  /** As written; validated with the plugin's schema before anything starts. */
  readonly config?: unknown;
  /** Default `none`: in this process. */
  readonly isolation?: Isolation | undefined;
  /** The kernel boots without it when its setup fails. Default false. */
  readonly optional?: boolean | undefined;
  /** Absolute path or `file:` URL of the plugin's module; an isolated plugin is loaded from it. */
  readonly module?: string | undefined;
}

/** A plugin of the kernel over all its versions. */
export interface Member {
  readonly name: string;
  entry: KernelEntry;
  config: unknown;
  state: PluginInfo['state'];
  running: RunningPlugin | undefined;
  /** Why it is `failed`. */
  failure: CoreError | undefined;
  /** Live taps, so that a swap can take them out at one stroke. */
  taps: TapKeeper;
  /** By contract key. */
  readonly slots: Map<string, Slot>;
}

export class Registry {
  /** Told of a plugin that ended by itself. */
  onEnded: (name: string) => void = () => {};
  readonly #bindings: Bindings;
  readonly #members: ReadonlyMap<string, Member>;
  #plan: Plan;

  /** Throws what `makePlan` throws. */
  constructor(entries: readonly KernelEntry[], bindings: Bindings = {}) {
    this.#bindings = bindings;
    this.#plan = makePlan(entries.map(({ plugin }) => plugin), bindings);
    this.#members = new Map(entries.map((entry) => [entry.plugin.name, newMember(entry)]));
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** In plan order. */
  get members(): Member[] {
    return this.#plan.order.map((name) => this.member(name));
  }

  /** Throws `E_NOT_FOUND`. */
  member(name: string): Member {
    const member = this.#members.get(name);
    if (!member) throw new CoreError('E_NOT_FOUND', { message: `no plugin is called ${name}`, object: { kind: 'plugin', id: name } });
    return member;
  }

  /** Place in the plan; `undefined` for what is no plugin. */
  position(name: string): number | undefined {
    const index = this.#plan.order.indexOf(name);
    return index === -1 ? undefined : index;
  }

  /** The plan with `next` in the place of the plugin of its name. Changes nothing. */
  planWith(next: Plugin): Plan {
    return makePlan(this.members.map(({ entry }) => (entry.plugin.name === next.name ? next : entry.plugin)), this.#bindings);
  }

  adopt(plan: Plan): void {
    this.#plan = plan;
  }

  /** The slot that serves a need of `consumer`; `undefined` for an optional one nobody serves. */
  slotFor(consumer: string, contract: Contract<unknown>, plan = this.#plan): Slot | undefined {
    const edge = plan.edges.find((edge) => edge.consumer === consumer && edge.contract === contract.key);
    return edge?.provider === undefined ? undefined : this.member(edge.provider).slots.get(contract.key);
  }

  /** The port for those outside the plan. Throws `E_UNPROVIDED`, `E_AMBIGUOUS`, and `E_CLOSED` for a provider that failed. */
  port<T>(contract: Contract<T>): T {
    const provider = this.member(providerOf(this.#plan, contract));
    if (provider.failure) throw failedError('the kernel', provider, contract.key);
    return provider.slots.get(contract.key)?.port as T;
  }

  /** The ports of a plugin under its local names. Throws `E_PLUGIN` when a provider it cannot do without has failed. */
  portsOf(plugin: Plugin, plan = this.#plan): Record<string, { readonly contract: Contract<unknown>; readonly port: unknown }> {
    const ports = Object.entries(plugin.needs).map(([local, need]) => {
      const contract = neededContract(need);
      const slot = this.slotFor(plugin.name, contract, plan);
      const provider = slot && this.member(slot.provider);
      if (provider?.failure && need === contract) throw failedError(plugin.name, provider, contract.key);
      return slot && !provider?.failure ? [[local, { contract, port: slot.port }] as const] : [];
    });
    return Object.fromEntries(ports.flat());
  }
}

export function addSlots(member: Pick<Member, 'name' | 'slots'>, plugin: Plugin): void {
  for (const contract of Object.values(plugin.provides)) {
    if (!member.slots.has(contract.key)) member.slots.set(contract.key, new Slot(member.name, contract));
  }
}

function newMember(entry: KernelEntry): Member {
  const member: Member = {
    name: entry.plugin.name, entry, config: undefined, state: 'starting', running: undefined, failure: undefined, taps: new TapKeeper(entry.plugin.name, { staging: false }), slots: new Map(),
  };
  addSlots(member, entry.plugin);
  return member;
}

function failedError(consumer: string, provider: Member, contract: string): CoreError {
  return new CoreError('E_PLUGIN', {
    message: `${consumer} needs ${contract} of ${provider.name}, which failed: ${provider.failure?.message ?? ''}`,
    object: { kind: 'plugin', id: provider.name },
    cause: provider.failure,
  });
}
