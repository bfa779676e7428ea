/**
 * A stream through a port. Comes in: a streaming call, when its first item is asked for. Goes out: the implementation's items.
 * The call is under way until the stream ends, fails or is left; one that is never read costs nothing. Made by `port.ts`.
 */
import type { CallOptions } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';
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

type Result = IteratorResult<unknown>;

/** Somebody waits for an item. */
interface Waiter {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const done = { done: true, value: undefined } as const;

export class PortStream implements AsyncIterableIterator<unknown> {
  readonly #request: StreamRequest;
  readonly #waiting = new Set<Waiter>();
  #beginning: Promise<void> | undefined;
  #attempt: Attempt | undefined;
  /** Why the attempt was broken off while nobody was waiting. */
  #broken: { readonly error: unknown } | undefined;
  #ended = false;

  constructor(request: StreamRequest) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Result> {
    while (!this.#ended) {
      const attempt = this.#attempt ?? (await this.#begun());
      if (!attempt) return done;
      try {
        const result = await this.#nextOf(attempt);
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

  async return(): Promise<Result> {
    const attempt = this.#attempt;
    const { size } = this.#waiting;
    this.#end();
    for (const waiter of this.#waiting) waiter.resolve(done);
    // An implementation that is busy with an item, or cannot be left, learns of it by its signal.
    if (size > 0 || !attempt?.items.return) attempt?.call.abort(new CoreError('E_ABORTED', { message: 'the reader has left the stream' }));
    const left = attempt?.items.return?.();
    if (size > 0) left?.catch(() => {});
    else await left;
    return done;
  }

  /** One beginning for all who ask meanwhile; `undefined` when the reader has left before it came to that. */
  async #begun(): Promise<Attempt | undefined> {
    try {
      this.#beginning ??= this.#begin();
      await this.#beginning;
      return this.#attempt;
    } finally {
      this.#beginning = undefined;
    }
  }

  async #begin(): Promise<void> {
    const { slot, method, request, options } = this.#request;
    try {
      while (!slot.isOpen) await slot.opened(method.name, options?.signal);
      // The reader may have left meanwhile.
      if (this.#ended) return;
      const call = slot.begin(method, options, (error) => this.#giveUp(error));
      try {
        this.#attempt = { call, items: call.iterate(request) };
      } catch (error) {
        call.end();
        throw error;
      }
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  /** The next item, or the error with which the slot breaks the call off, whichever comes first. */
  #nextOf({ items }: Attempt): Promise<Result> {
    if (this.#broken) return Promise.reject(this.#broken.error);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.#waiting.add(waiter);
      items.next().then(resolve, reject).finally(() => this.#waiting.delete(waiter));
    });
  }

  #giveUp(error: unknown): void {
    if (this.#waiting.size === 0) this.#broken = { error };
    for (const waiter of this.#waiting) waiter.reject(error);
  }

  #end(): void {
    this.#attempt?.call.end();
    this.#attempt = undefined;
    this.#ended = true;
  }

  /** The implementation may be stuck in an item; it learns that nobody reads on when it comes out of it. */
  #drop(attempt: Attempt): void {
    attempt.call.end();
    this.#broken = undefined;
    if (this.#attempt === attempt) this.#attempt = undefined;
    Promise.resolve(attempt.items.return?.()).catch(() => {});
  }
}
