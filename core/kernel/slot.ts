/**
 * The place of one contract of one plugin. Comes in: an implementation, and in a swap the next one. Goes out: a port that never
 * changes, and calls that are counted, can be held back and can be broken off. Made by the kernel when it plans.
 */
import { Deadlines, Gate } from '../async/index.js';
import { methodList, methodOf, type CallOptions, type Contract, type Method, type MethodSpec } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import { createPort } from './port.js';
import { SlotCall } from './slot-call.js';

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
  /** The calls under way, by the length of their deadline. */
  readonly #calls = new Map<number, Deadlines<SlotCall>>();
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

  /** Resolves when the slot opens; rejects with `E_ABORTED` when the caller gives up before. */
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
    for (const call of this.#underway()) if (call.method.spec.resumable) call.breakOff(new Interruption(this.contract.key));
    await this.#gate.drained();
  }

  drained(): Promise<void> {
    return this.#gate.drained();
  }

  /** Methods under way, for the message of a swap that could not wait. */
  underway(): string[] {
    return [...new Set(this.#underway().map(({ method }) => `${this.contract.key} ${method.name}`))];
  }

  /** No more calls: those to come, and those held back, fail with `E_CLOSED`. Those under way are told through their signal. */
  close(why: string): void {
    this.#closed = this.#error(why);
    for (const call of this.#underway()) call.abort(this.#closed);
    this.#gate.open();
  }

  /** Gives up what is still under way. */
  abandon(): void {
    for (const call of this.#underway()) call.breakOff(this.#closed ?? this.#error('was closed'));
  }

  /** Starts counting a call. `giveUp` is told when the call ends before the implementation answers. Throws `E_CLOSED`. */
  begin(method: PortMethod, options: CallOptions | undefined, giveUp: (error: Error) => void): SlotCall {
    if (this.#closed) throw this.#closed;
    const implementation = this.#methods.get(method.name) as Method;
    return new SlotCall({ method, implementation, options, giveUp, gate: this.#gate, list: this.#listOf(method.spec.deadline) });
  }

  isInterruption(error: unknown): boolean {
    return error instanceof Interruption;
  }

  #listOf(deadline: number): Deadlines<SlotCall> {
    let list = this.#calls.get(deadline);
    if (!list) this.#calls.set(deadline, (list = new Deadlines(deadline)));
    return list;
  }

  #underway(): SlotCall[] {
    return [...this.#calls.values()].flatMap((list) => list.items());
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
