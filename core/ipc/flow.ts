/**
 * Flow control of one stream. Comes in: items at the pace of the network. Goes out: items at the pace of the consumer, and
 * credit back to the producer. `Credit` is the sender's half, `Inbox` the receiver's; used by `outgoing.ts` and `incoming.ts`.
 */
import { CoreError } from '../errors/index.js';
import { ITEM_OVERHEAD } from './protocol.js';

/** The sender's half: how much it may still send. */
export class Credit {
  #left: number;
  #wake: (() => void) | undefined;

  constructor(initial: number) {
    this.#left = initial;
  }

  /** Takes one frame's worth. The last one may overdraw, so that a frame larger than the window still passes. */
  spend(frameSize: number): void {
    this.#left -= frameSize + ITEM_OVERHEAD;
  }

  grant(bytes: number): void {
    this.#left += bytes;
    if (this.#left > 0) this.release();
  }

  /** Settles when there is credit, or when `release` is called because nobody wants more. */
  async available(): Promise<void> {
    if (this.#left > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  release(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

export interface InboxOptions {
  readonly window: number;
  /** Tells the sender that it may send so many bytes more. */
  grant(bytes: number): void;
  /** Called by the first `next`. */
  open?(): void;
  /** Called when the consumer leaves early; awaited by its `return`. */
  leave?(): Promise<void> | void;
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

/** The receiver's half, as the iterator its consumer holds. It never buffers more than the window and one frame. */
export class Inbox<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: InboxOptions;
  readonly #items: Array<{ readonly value: T; readonly cost: number }> = [];
  readonly #waiters: Array<Waiter<T>> = [];
  #credit: number;
  #taken = 0;
  #opened = false;
  #end: { readonly error?: CoreError } | undefined;

  /** `credit`: what the sender was given at the start, in bytes. */
  constructor(credit: number, options: InboxOptions) {
    this.#credit = credit;
    this.#options = options;
  }

  /** An item arrived. Throws `E_PROTOCOL` when the sender had no credit for it. */
  push(value: T, frameSize: number): void {
    if (this.#end) return;
    if (this.#credit <= 0) throw new CoreError('E_PROTOCOL', { message: 'the other end sent more of a stream than it was granted' });
    const cost = frameSize + ITEM_OVERHEAD;
    this.#credit -= cost;
    const waiter = this.#waiters.shift();
    if (!waiter) {
      this.#items.push({ value, cost });
      return;
    }
    waiter.resolve({ done: false, value });
    this.#consumed(cost);
  }

  /** Lets the sender send so many bytes more. */
  refill(bytes: number): void {
    this.#credit += bytes;
    this.#options.grant(bytes);
  }

  /** Nothing follows. What has arrived is still delivered, then the error where there is one. */
  finish(error?: CoreError): void {
    if (this.#end) return;
    this.#end = error && this.#waiters.length === 0 ? { error } : {};
    for (const waiter of this.#waiters.splice(0)) {
      if (error) waiter.reject(error);
      else waiter.resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.#open();
    const item = this.#items.shift();
    if (item) {
      this.#consumed(item.cost);
      return Promise.resolve({ done: false, value: item.value });
    }
    if (this.#end) return this.#ended(this.#end);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const finished = this.#end !== undefined;
    this.#items.length = 0;
    this.finish();
    this.#end = {};
    if (!finished && this.#opened) await this.#options.leave?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #open(): void {
    if (this.#opened || this.#end) return;
    this.#opened = true;
    this.#options.open?.();
  }

  /** An error is told once; after that the stream is merely over. */
  #ended(end: { readonly error?: CoreError }): Promise<IteratorResult<T, undefined>> {
    this.#end = {};
    return end.error ? Promise.reject(end.error) : Promise.resolve({ done: true, value: undefined });
  }

  #consumed(cost: number): void {
    this.#taken += cost;
    if (this.#taken < this.#options.window / 2 || this.#end) return;
    this.refill(this.#taken);
    this.#taken = 0;
  }
}
