/**
 * One piece of work for all who ask for it at the same time. Comes in: a key and how the work is done. Goes out: its one result, to each. Called by the layer store. The work is given
 * up when the last who waits for it has gone.
 */
import { CoreError } from '@core/core/plugin';

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export interface FlightOptions<T> {
  readonly signal?: AbortSignal | undefined;
  readonly work: (shared: AbortSignal) => Promise<T>;
}

export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Rejects with `E_ABORTED` when `signal` fires, at once, whether or not others go on waiting. */
  async run(key: string, { signal, work }: FlightOptions<T>): Promise<T> {
    if (signal?.aborted) throw aborted(signal);
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    try {
      return await until(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        flight.controller.abort();
        // Who aborted the work must not return before what it left is cleaned up.
        await flight.result.catch(() => {});
      }
    }
  }

  #begin(key: string, work: (shared: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.#flights.delete(key));
    result.catch(() => {});
    const flight = { result, controller, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}

async function until<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return result;
  let stop = (): void => {};
  const gone = new Promise<never>((_resolve, reject) => {
    stop = () => reject(aborted(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([result, gone]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function aborted(signal: AbortSignal): CoreError {
  return new CoreError('E_ABORTED', { message: 'the operation was aborted', cause: signal.reason });
}
