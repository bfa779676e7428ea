/** Facts after the fact, to any number of listeners with a bounded queue each. Called by the driver's parts. */
import { CoreError } from '@core/core/plugin';

const MAX_QUEUED = 1024;

/** A queue between a producer that does not wait and one consumer that may. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;
  /** Called after an item was taken, with how many are left. */
  onTaken: (left: number) => void = () => {};

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#notify();
  }

  /** What is queued is still delivered, then the sequence ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      while (this.#items.length > 0) {
        const item = this.#items.shift() as T;
        this.onTaken(this.#items.length);
        yield item;
      }
      if (this.#ended) break;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#error) throw this.#error;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

export class EventHub<T> {
  readonly #listeners = new Set<Queue<T>>();

  emit(event: T): void {
    for (const queue of this.#listeners) {
      if (queue.length >= MAX_QUEUED) {
        queue.end(new CoreError('E_PROTOCOL', { message: `the consumer of the events lags by ${MAX_QUEUED}`, hint: 'Read faster, or list the state and subscribe again.' }));
        this.#listeners.delete(queue);
      } else queue.push(event);
    }
  }

  /** From now on, not from the first read on. Ends when the consumer leaves or the hub closes; an abort throws E_ABORTED. */
  subscribe(signal?: AbortSignal): AsyncIterable<T> {
    const queue = new Queue<T>();
    this.#listeners.add(queue);
    const abort = (): void => queue.end(new CoreError('E_ABORTED', { message: 'the events were aborted' }));
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    return this.#read(queue, () => signal?.removeEventListener('abort', abort));
  }

  close(): void {
    for (const queue of this.#listeners) queue.end();
    this.#listeners.clear();
  }

  async *#read(queue: Queue<T>, leave: () => void): AsyncGenerator<T, void, void> {
    try {
      yield* queue;
    } finally {
      this.#listeners.delete(queue);
      leave();
    }
  }
}
