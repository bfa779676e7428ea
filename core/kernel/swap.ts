/**
 * The next version of a plugin in place of the running one. Comes in: its name and its next entry. Goes out: the same kernel,
 * in which nobody noticed. Called by `kernel.ts`.
 *
 * In order: plan with the next one; shut its ports and the hooks it taps; wait for what is under way; let it hand over its
 * state; set the next one up, its taps staged; exchange both in one step; open; close the former. Until the exchange any
 * failure takes everything back. A call under way that needs the plugin once more waits for the gate it holds up itself: it
 * runs into the drain's deadline, the swap is given up and the call goes on.
 */
import { isDeepStrictEqual } from 'node:util';
import { bounded, type Gate } from '../async/index.js';
import { CoreError, toCoreError } from '../errors/index.js';
import type { EventBus } from '../events/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';
import type { Logger } from '../log/index.js';
import { install, markFailed, validateConfig } from './boot.js';
import type { RunningPlugin } from './local.js';
import type { Plan } from './plan.js';
import { addSlots, type KernelEntry, type Member, type Registry } from './registry.js';
import type { Starter } from './starter.js';
import { allHooks, TapKeeper } from './taps.js';

export interface SwapOptions {
  /** Milliseconds the calls under way have to end before the swap is given up. Default 30 s. */
  readonly drainTimeout?: number | undefined;
  /** Gives the swap up, until the exchange. */
  readonly signal?: AbortSignal | undefined;
}

export interface SwapperParts {
  readonly registry: Registry;
  readonly hooks: LifecycleHooks;
  readonly events: EventBus;
  readonly log: Logger;
  readonly starter: Starter;
}

const DEFAULT_DRAIN_TIMEOUT = 30_000;
const HANDOVER_DEADLINE = 30_000;

export class Swapper {
  readonly #parts: SwapperParts;
  /** One at a time: two would wait for each other's calls. */
  #last: Promise<unknown> = Promise.resolve();
  #finished = false;

  constructor(parts: SwapperParts) {
    this.#parts = parts;
  }

  async swap(name: string, next: KernelEntry, options: SwapOptions = {}): Promise<void> {
    if (this.#finished) throw new CoreError('E_CLOSED', { message: 'the kernel is closing' });
    const turn = this.#last.then(() => this.#swap(name, next, options));
    this.#last = turn.catch(() => {});
    await turn;
  }

  /** Lets the swap under way end; those to come are refused. */
  async finish(): Promise<void> {
    this.#finished = true;
    await this.#last;
  }

  async #swap(name: string, next: KernelEntry, options: SwapOptions): Promise<void> {
    const { registry, events } = this.#parts;
    const member = registry.member(name);
    const { plan, config } = await this.#prepare(member, next);
    const gates = new Gates(member, this.#parts.hooks);
    const former = member.running;
    member.state = 'swapping';
    gates.shut();
    try {
      const taps = new TapKeeper(name, { staging: true });
      const running = await this.#handOver({ member, next, config, plan, taps, gates, options });
      exchange({ ...this.#parts, member, next, config, plan, taps, running });
    } catch (error) {
      if (member.state === 'swapping') member.state = member.failure ? 'failed' : 'running';
      throw swapError(member, toCoreError(error));
    } finally {
      gates.open();
    }
    await this.#closeFormer(name, former);
    events.emit({ type: 'plugin.swapped', object: { kind: 'plugin', id: name }, data: { version: next.plugin.version } });
  }

  /** Everything that can be known before anything is touched. */
  async #prepare(member: Member, next: KernelEntry): Promise<{ plan: Plan; config: unknown }> {
    const { registry } = this.#parts;
    if (next.plugin.name !== member.name) {
      throw new CoreError('E_INVALID', { message: `${member.name} can only be swapped for another version of itself, not for ${next.plugin.name}` });
    }
    const config = await validateConfig(next);
    const plan = registry.planWith(next.plugin);
    const others = (edges: Plan['edges']) => edges.filter(({ consumer }) => consumer !== member.name);
    if (!isDeepStrictEqual(others(plan.edges), others(registry.plan.edges))) {
      throw new CoreError('E_INVALID', {
        message: `${member.name} ${next.plugin.version} provides other contracts: its consumers would have to be set up anew`,
        hint: 'Boot a kernel with the new plugin set.',
      });
    }
    return { plan, config };
  }

  async #handOver({ member, next, config, plan, taps, gates, options }: HandOver): Promise<RunningPlugin> {
    const { drainTimeout = DEFAULT_DRAIN_TIMEOUT, signal } = options;
    await gates.drain(drainTimeout, signal);
    const state = await askState(member, signal);
    try {
      return await this.#parts.starter.start({ entry: next, config, plan, previous: state, signal: signal ?? new AbortController().signal, taps });
    } catch (error) {
      taps.remove();
      await takeBack(member, state);
      throw error;
    }
  }

  /** The swap stands, whatever happens here: it is for the operator to know. */
  async #closeFormer(name: string, former: RunningPlugin | undefined): Promise<void> {
    await former?.close().catch((err: unknown) => this.#parts.log.error({ err, plugin: name }, 'the former version did not close cleanly'));
  }
}

interface HandOver {
  readonly member: Member;
  readonly next: KernelEntry;
  readonly config: unknown;
  readonly plan: Plan;
  readonly taps: TapKeeper;
  readonly gates: Gates;
  readonly options: SwapOptions;
}

interface Exchange extends SwapperParts {
  readonly member: Member;
  readonly next: KernelEntry;
  readonly config: unknown;
  readonly plan: Plan;
  readonly taps: TapKeeper;
  readonly running: RunningPlugin;
}

/** Nothing in here waits, so no call and no run of a hook ever sees half of it. */
function exchange({ member, next, config, plan, taps, running, registry, events, log }: Exchange): void {
  const kept = new Set(Object.values(next.plugin.provides).map(({ key }) => key));
  for (const [key, slot] of member.slots) {
    if (kept.has(key)) continue;
    slot.close('is no longer provided');
    member.slots.delete(key);
  }
  addSlots(member, next.plugin);
  member.taps.remove();
  Object.assign(member, { entry: next, config, running, taps, failure: undefined });
  registry.adopt(plan);
  taps.activate();
  install({ registry, events, log }, member);
}

/** What has failed has nothing to hand over. */
async function askState(member: Member, signal: AbortSignal | undefined): Promise<unknown> {
  if (member.failure) return undefined;
  return bounded(Promise.resolve(member.running?.handover()), {
    what: `handover of ${member.name}`,
    deadline: HANDOVER_DEADLINE,
    signal,
    late: (state) => void takeBack(member, state),
  });
}

async function takeBack(member: Member, state: unknown): Promise<void> {
  if (member.failure) return;
  try {
    await bounded(Promise.resolve(member.running?.takeBack(state)), { what: `${member.name} taking back its state`, deadline: HANDOVER_DEADLINE });
  } catch (error) {
    markFailed(member, toCoreError(error));
  }
}

function swapError(member: Member, cause: CoreError): CoreError {
  const outcome = member.failure ? `and the former version could not take over again: ${member.failure.message}` : 'the former version is back in place';
  return new CoreError('E_SWAP', {
    message: `${member.name} was not swapped: ${cause.message}; ${outcome}`,
    object: { kind: 'plugin', id: member.name },
    hint: cause.hint || undefined,
    cause,
    issues: cause.issues,
  });
}

/** The doors through which anybody reaches a plugin: its slots, and the hooks it taps. */
class Gates {
  readonly #member: Member;
  readonly #hooks: ReadonlyArray<{ readonly name: string; readonly gate: Gate }>;

  constructor(member: Member, hooks: LifecycleHooks) {
    this.#member = member;
    this.#hooks = allHooks(hooks).filter((hook) => hook.isTappedBy(member.name));
  }

  shut(): void {
    for (const slot of this.#member.slots.values()) slot.shut();
    for (const { gate } of this.#hooks) gate.shut();
  }

  /** Throws `E_TIMEOUT` naming what did not end. */
  async drain(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    const slots = [...this.#member.slots.values()];
    const all = Promise.all([...slots.map((slot) => slot.drain()), ...this.#hooks.map(({ gate }) => gate.drained())]);
    try {
      await bounded(all, { what: `calls of ${this.#member.name}`, deadline, signal });
    } catch (error) {
      const left = [...slots.flatMap((slot) => slot.underway()), ...this.#hooks.filter(({ gate }) => gate.inflight > 0).map(({ name }) => `hook ${name}`)];
      const cause = toCoreError(error);
      throw new CoreError(cause.code, { message: `${cause.message}; still under way: ${left.join(', ')}`, cause });
    }
  }

  open(): void {
    for (const slot of this.#member.slots.values()) slot.open();
    for (const { gate } of this.#hooks) gate.open();
  }
}
