/**
 * Waiting with an end. Comes in: somebody else's promise, a deadline and a signal. Goes out: its value, or the error of the
 * one that came first. Called wherever the kernel waits for code that is not its own.
 */
import { CoreError } from '../errors/index.js';

export interface Bound<T> {
  /** What is waited for, for the message: `setup of runtime-linux`. */
  readonly what: string;
  /** Milliseconds; 0 waits as long as it takes. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of a value that came after the waiting had ended, so that it can be freed. Late failures are dropped. */
  readonly late?: ((value: T) => void) | undefined;
  /** Told when the waiting ends before the work does. */
  readonly onGivenUp?: ((error: CoreError) => void) | undefined;
}

/** Settles as `work` does; rejects with `E_TIMEOUT` at the deadline, with `E_ABORTED` on the signal. Leaves no timer behind. */
export function bounded<T>(work: PromiseLike<T>, { what, deadline, signal, late, onGivenUp }: Bound<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let done = false;
    const finish = (): boolean => {
      if (done) return false;
      done = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      return true;
    };
    const giveUp = (error: CoreError): void => {
      if (!finish()) return;
      onGivenUp?.(error);
      reject(error);
    };
    const abort = (): void => giveUp(aborted(what, signal));
    const timer = deadline > 0 ? setTimeout(() => giveUp(timedOut(what, deadline)), deadline) : undefined;
    work.then(
      (value) => (finish() ? resolve(value) : late?.(value)),
      (error: unknown) => {
        if (finish()) reject(error);
      },
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function timedOut(what: string, deadline: number): CoreError {
  return new CoreError('E_TIMEOUT', { message: `${what} took longer than ${deadline / 1000} s` });
}

function aborted(what: string, signal: AbortSignal | undefined): CoreError {
  return new CoreError('E_ABORTED', { message: `${what} was aborted`, cause: signal?.reason });
}
