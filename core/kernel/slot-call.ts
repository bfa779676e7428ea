/**
 * One call under way. Comes in: a method, its implementation and the caller's options. Goes out: the implementation's answer,
 * and the means to tell it, or give it up, from outside. Made by `slot.ts` for every call that goes through a port, so it
 * allocates only what a call asks for.
 */
import { LinkedSignal, Waiting, type Deadlines, type Gate } from '../async/index.js';
import type { CallOptions, Method } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
import type { PortMethod } from './slot.js';

export interface CallFacts {
  readonly method: PortMethod;
  readonly implementation: Method;
  readonly options: CallOptions | undefined;
  /** Told when the call ends before the implementation answers. */
  readonly giveUp: (error: Error) => void;
  readonly gate: Gate;
  readonly list: Deadlines<SlotCall>;
}

export class SlotCall extends Waiting {
  readonly #facts: CallFacts;
  #linked: LinkedSignal | undefined;
  #ended = false;

  constructor(facts: CallFacts) {
    super();
    this.#facts = facts;
    facts.list.begin(this);
    facts.gate.enter();
  }

  get method(): PortMethod {
    return this.#facts.method;
  }

  /** What the implementation sees of all who may end the call. */
  get signal(): AbortSignal {
    return this.#link().signal;
  }

  /** Never throws: what the implementation throws becomes the answer. */
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
    this.#linked?.release();
    this.#facts.list.end(this);
    this.#facts.gate.leave();
    return true;
  }

  /** Tells the implementation, and goes on waiting for it. */
  abort(reason: Error): void {
    this.#link().abort(reason);
  }

  /** Tells the implementation, and waits no longer. */
  breakOff(reason: Error): void {
    this.abort(reason);
    if (this.end()) this.#facts.giveUp(reason);
  }

  expire(): void {
    const { name, spec } = this.#facts.method;
    this.breakOff(new CoreError('E_TIMEOUT', { message: `${name} did not answer within ${spec.deadline / 1000} s` }));
  }

  #link(): LinkedSignal {
    this.#linked ??= new LinkedSignal(this.#facts.options?.signal);
    return this.#linked;
  }

  #options(): CallOptions {
    const { options, method } = this.#facts;
    // Most calls have no options: the cheapest object does. Where a swap, or the caller, counts on being heard, the signal is an
    // own property, so that it survives being spread into the options of another call.
    if (options === undefined && !method.spec.resumable) return new LazyOptions(this);
    const { onProgress, input } = options ?? {};
    const linked = (): LinkedSignal => this.#link();
    return {
      get signal() {
        return linked().signal;
      },
      onProgress: onProgress && ((progress) => void (this.#ended || onProgress(progress))),
      input,
    };
  }
}

class LazyOptions implements CallOptions {
  readonly #call: SlotCall;

  constructor(call: SlotCall) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }
}
