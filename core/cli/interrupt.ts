/**
 * Ctrl-C and SIGTERM. Comes in: signals of this process. Goes out: `stop` with the first, `haste` with the second; the third
 * ends us where we stand. Until it is released the process stays. Used by `core run`.
 */
import { constants } from 'node:os';

export interface Interrupts {
  /** Fires with the first: end in an orderly way. */
  readonly stop: AbortSignal;
  /** Fires with the second: end at once, but leave nothing behind. */
  readonly haste: AbortSignal;
  /** What a shell expects of a process that a signal ended; 0 before the first. */
  readonly code: number;
  /** Settles with `code` at the first. */
  readonly stopped: Promise<number>;
  release(): void;
}

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export function catchInterrupts(): Interrupts {
  const stop = new AbortController();
  const haste = new AbortController();
  let code = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    code ||= 128 + constants.signals[signal];
    if (haste.signal.aborted) process.exit(code);
    (stop.signal.aborted ? haste : stop).abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A private kernel's sockets keep no process alive, and a listener for signals does not either.
  const hold = setInterval(() => {}, LONGEST_INTERVAL_MS);
  const stopped = new Promise<number>((resolve) => stop.signal.addEventListener('abort', () => resolve(code), { once: true }));
  return {
    stopped,
    stop: stop.signal,
    haste: haste.signal,
    get code() {
      return code;
    },
    release() {
      clearInterval(hold);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
