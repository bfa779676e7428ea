/** Comes in: what the user gave as options of one call. Goes out: the `CallOptions` of the contract, with the deadline as part of the signal. Called by every verb. */
import { CoreError, type CallOptions, type Progress } from '@core/core/plugin';

/** Milliseconds, or a number with a unit: `500`, `'250ms'`, `'5s'`, `'2m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

/** What every verb of the SDK takes. */
export interface VerbOptions {
  /** Ends the call; it rejects with `E_ABORTED` once everything it began is undone. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the call with `E_TIMEOUT`. Default: none. */
  readonly timeout?: Duration | undefined;
  /** Typed progress of long operations: bringing an image, unpacking it. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** `signal` and `timeout` as one signal; `onProgress` passed along. */
export function toCall({ signal, timeout, onProgress }: VerbOptions): CallOptions {
  const both = withDeadline(signal, timeout);
  return { ...(both && { signal: both }), ...(onProgress && { onProgress }) };
}

export function withDeadline(signal: AbortSignal | undefined, timeout: Duration | undefined): AbortSignal | undefined {
  if (timeout === undefined) return signal;
  const deadline = AbortSignal.timeout(milliseconds(timeout));
  return signal ? AbortSignal.any([signal, deadline]) : deadline;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Throws `E_INVALID` for what is no duration: a negative number, an unknown unit. */
export function milliseconds(duration: Duration): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(typeof duration === 'number' ? `${duration}ms` : duration) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new CoreError('E_INVALID', {
      message: `${JSON.stringify(duration)} is no duration`,
      hint: "Write milliseconds as a number, or a number with a unit: '250ms', '5s', '2m', '1h'.",
    });
  }
  return Math.round(Number(amount) * (UNITS[unit] ?? 1));
}
