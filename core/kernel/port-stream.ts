/**
 * A stream through a port. Comes in: a streaming call, when its first item is asked for. Goes out: the implementation's items.
 * The call is under way until the stream ends, fails or is left; one that is never read costs nothing. Made by `port.ts`.
 */
import type { CallOptions } from '../contracts/index.js';
import type { SlotCall } from './slot-call.js';
import type { PortMethod, Slot } from './slot.js';

export interface StreamRequest {
  readonly slot: Slot;
  readonly method: PortMethod;
  readonly request: unknown;
  readonly options: CallOptions | undefined;
}

interface Attempt {
  readonly call: SlotCall;
  readonly items: AsyncIterator<unknown>;
}

const done = { done: true, value: undefined } as const;

export class PortStream implements AsyncIterableIterator<unknown> {
  readonly #request: StreamRequest;
  #attempt: Attempt | undefined;
  #ended = false;
  #giveUp: ((error: unknown) => void) | undefined;

  constructor(request: StreamRequest) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (!this.#ended) {
      const attempt = (this.#attempt ??= await this.#begin());
      try {
        const result = await this.#race(attempt.items.next());
        if (result.done) this.#end();
        return result;
      } catch (error) {
        if (!this.#request.slot.isInterruption(error)) this.#ended = true;
        this.#drop(attempt);
        if (this.#ended) throw error;
      }
    }
    return done;
  }

  async return(): Promise<IteratorResult<unknown>> {
    const attempt = this.#attempt;
    this.#end();
    await attempt?.items.return?.();
    return done;
  }

  async #begin(): Promise<Attempt> {
    const { slot, method, request, options } = this.#request;
    while (!slot.isOpen) await slot.opened(method.name, options?.signal);
    const call = slot.begin(method, options, (error) => this.#giveUp?.(error));
    try {
      return { call, items: call.iterate(request) };
    } catch (error) {
      call.end();
      throw error;
    }
  }

  /** The next item, or the error with which the slot breaks the call off, whichever comes first. */
  #race(item: Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      item.then(resolve, reject);
    });
  }

  #end(): void {
    this.#attempt?.call.end();
    this.#attempt = undefined;
    this.#ended = true;
  }

  /** The implementation may be stuck in an item; it learns that nobody reads on when it comes out of it. */
  #drop({ call, items }: Attempt): void {
    call.end();
    this.#attempt = undefined;
    Promise.resolve(items.return?.()).catch(() => {});
  }
}
