/**
 * The place of one contract of one plugin. Comes in: an implementation, and in a swap the next one. Goes out: a port that never
 * changes, and calls that are counted, can be held back and can be broken off. Made by the kernel when it plans.
 */
import { Gate, LinkedSignal } from '../async/index.js';
import { methodList, methodOf, type CallOptions, type Contract, type Method, type MethodSpec } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import { createPort } from './port.js';

export interface PortMethod {
  /** `containers.create`. */
  readonly name: string;
  readonly spec: MethodSpec;
}

export class Slot {
  readonly port: unknown;
  readonly provider: string;
  readonly contract: Contract<unknown>;
  readonly #gate = new Gate();
  readonly #calls = new Set<SlotCall>();
  #methods: ReadonlyMap<string, Method> = new Map();
  #closed: CoreError | undefined;

  constructor(provider: string, contract: Contract<unknown>) {
    this.provider = provider;
    this.contract = contract;
    this.port = createPort(contract, this);
    this.#closed = this.#error('is not up yet');
  }

  get isOpen(): boolean {
    return this.#gate.isOpen;
  }

  /** Resolves once the slot is open again; rejects with `E_ABORTED` when the caller gives up before. */
  opened(method: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#gate.passed(`${this.contract.key} ${method}`, signal);
  }

  /** Puts an implementation in, which has been checked to have every method. */
  fill(implementation: unknown): void {
    this.#methods = new Map(methodList(this.contract).map(([name]) => [name, methodOf(implementation, name) as Method]));
    this.#closed = undefined;
  }

  shut(): void {
    this.#gate.shut();
  }

  open(): void {
    this.#gate.open();
  }

  /** Breaks off the calls that can be made again, and waits for all others. */
  async drain(): Promise<void> {
    for (const call of this.#calls) if (call.method.spec.resumable) call.breakOff(new Interruption(this.contract.key));
    await this.#gate.drained();
  }

  /** Methods under way, for the message of a swap that could not wait. */
  underway(): string[] {
    return [...new Set([...this.#calls].map(({ method }) => `${this.contract.key} ${method.name}`))];
  }

  /** No more calls: those to come, and those held back, fail with `E_CLOSED`. Those under way are told through their signal. */
  close(why: string): void {
    this.#closed = this.#error(why);
    for (const call of this.#calls) call.abort(this.#closed);
    this.#gate.open();
  }

  /** Gives up what is still under way. */
  abandon(): void {
    for (const call of this.#calls) call.breakOff(this.#closed ?? this.#error('was closed'));
  }

  drained(): Promise<void> {
    return this.#gate.drained();
  }

  /** Starts counting a call. `giveUp` is told when the call ends before the implementation answers. Throws `E_CLOSED`. */
  begin(method: PortMethod, options: CallOptions | undefined, giveUp: (error: Error) => void): SlotCall {
    if (this.#closed) throw this.#closed;
    const implementation = this.#methods.get(method.name) as Method;
    return new SlotCall({ method, implementation, options, giveUp, calls: this.#calls, gate: this.#gate });
  }

  isInterruption(error: unknown): boolean {
    return error instanceof Interruption;
  }

  #error(why: string): CoreError {
    return new CoreError('E_CLOSED', { message: `${this.contract.key} of ${this.provider} ${why}`, object: { kind: 'plugin', id: this.provider } });
  }
}

/** Why a resumable call was broken off. Seen by the implementation as its signal's reason, never by the consumer. */
class Interruption extends CoreError {
  constructor(contract: string) {
    super('E_ABORTED', { message: `${contract} is being swapped; the call is made again of the next implementation` });
  }
}

interface CallFacts {
  readonly method: PortMethod;
  readonly implementation: Method;
  readonly options: CallOptions | undefined;
  readonly giveUp: (error: Error) => void;
  readonly calls: Set<SlotCall>;
  readonly gate: Gate;
}

/** One call under way. */
export class SlotCall {
  readonly #facts: CallFacts;
  readonly #linked: LinkedSignal;
  readonly #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(facts: CallFacts) {
    this.#facts = facts;
    this.#linked = new LinkedSignal(facts.options?.signal);
    const { deadline } = facts.method.spec;
    if (deadline > 0) this.#timer = setTimeout(() => this.#timeout(), deadline);
    facts.calls.add(this);
    facts.gate.enter();
  }

  get method(): PortMethod {
    return this.#facts.method;
  }

  answer(request: unknown): Promise<unknown> {
    try {
      return Promise.resolve(this.#facts.implementation(request as never, this.#options()) as Promise<unknown>);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  iterate(request: unknown): AsyncIterator<unknown> {
    const items = this.#facts.implementation(request as never, this.#options()) as AsyncIterable<unknown>;
    return items[Symbol.asyncIterator]();
  }

  /** Stops counting. True the first time: what comes after is late. */
  end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#linked.release();
    this.#facts.calls.delete(this);
    this.#facts.gate.leave();
    return true;
  }

  /** Tells the implementation, and goes on waiting for it. */
  abort(reason: Error): void {
    this.#linked.abort(reason);
  }

  /** Tells the implementation, and waits no longer. */
  breakOff(reason: Error): void {
    this.#linked.abort(reason);
    if (this.end()) this.#facts.giveUp(reason);
  }

  #timeout(): void {
    const { name, spec } = this.#facts.method;
    this.breakOff(new CoreError('E_TIMEOUT', { message: `${name} did not answer within ${spec.deadline / 1000} s` }));
  }

  /** Own properties, so that an implementation may spread them into a call of its own. */
  #options(): CallOptions {
    const linked = this.#linked;
    const { onProgress, input } = this.#facts.options ?? {};
    return {
      get signal() {
        return linked.signal;
      },
      onProgress: onProgress && ((progress) => void (this.#ended || onProgress(progress))),
      input,
    };
  }
}
