/**
 * One writer, many readers. Comes in: items. Goes out: an async iterable per reader, each with a queue of its own. Used for
 * a process's output, for log lines and for the runtime's events.
 */
import { CoreError, toCoreError } from '@core/core/plugin';

/** Items a reader may lag behind. */
const DEFAULT_BOUND = 4096;

interface Reader<T> {
  readonly queue: T[];
  error: CoreError | undefined;
  wake: () => void;
}

export class Channel<T> {
  readonly #readers = new Set<Reader<T>>();
  readonly #bound: number;
  #closed = false;

  constructor(bound = DEFAULT_BOUND) {
    this.#bound = bound;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** A reader that lags more than the bound is ended with `E_PROTOCOL`, never fed with gaps. */
  write(item: T): void {
    for (const reader of this.#readers) {
      if (reader.queue.length >= this.#bound) reader.error ??= new CoreError('E_PROTOCOL', { message: `a reader lagged more than ${this.#bound} items behind` });
      else reader.queue.push(item);
      reader.wake();
    }
  }

  /** No more items: readers get what is queued, then their end. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.wake();
  }

  /** Reads from now on. The reading begins at once, not with the first `next`. */
  read(signal?: AbortSignal): AsyncGenerator<T, void> {
    const reader: Reader<T> = { queue: [], error: undefined, wake: () => undefined };
    this.#readers.add(reader);
    return this.#items(reader, signal);
  }

  async *#items(reader: Reader<T>, signal?: AbortSignal): AsyncGenerator<T, void> {
    const wake = (): void => reader.wake();
    signal?.addEventListener('abort', wake, { once: true });
    try {
      for (;;) {
        if (signal?.aborted) throw toCoreError(signal.reason);
        const item = reader.queue.shift();
        if (item !== undefined) yield item;
        else if (reader.error) throw reader.error;
        else if (this.#closed) return;
        else await new Promise<void>((resolve) => (reader.wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      this.#readers.delete(reader);
    }
  }
}
