/**
 * The one error type that crosses a public edge. Comes in: a code of the catalogue and the facts. Goes out: a `CoreError`
 * that a script can switch on, a door can map to its protocol, and IPC can carry.
 */
import { catalogue, type ErrorCode } from './codes.js';

/** What the error is about: `{ kind: 'container', id: 'web' }`. */
export interface ErrorObject {
  readonly kind: string;
  readonly id: string;
}

export interface ErrorDetails {
  readonly message: string;
  readonly object?: ErrorObject | undefined;
  /** The way out, one sentence in the imperative. Default: the catalogue's own. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** The single faults when there are several (a plugin set's, an unwinding's). */
  readonly issues?: readonly ErrorIssue[] | undefined;
  /** errno name of a failed system call, e.g. `ENOSPC`. */
  readonly errno?: string | undefined;
  /** The step of a plan, or the hook and plugin, that failed. */
  readonly step?: string | undefined;
}

/** One fault among several: where it is (a JSON path such as `run[0].memory`) and what is wrong there. */
export interface ErrorIssue {
  readonly path: string;
  readonly message: string;
}

/** The form an error has on the wire and in `--json` output. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly object?: ErrorObject;
  readonly hint?: string;
  readonly issues?: readonly ErrorIssue[];
  readonly errno?: string;
  readonly step?: string;
  readonly retryable: boolean;
  readonly cause?: ErrorJson | { readonly message: string };
}

export class CoreError extends Error {
  override readonly name = 'CoreError';
  readonly code: ErrorCode;
  readonly object: ErrorObject | undefined;
  readonly hint: string;
  readonly issues: readonly ErrorIssue[];
  readonly errno: string | undefined;
  readonly step: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.object = details.object;
    this.hint = details.hint ?? catalogue[code].hint;
    this.issues = details.issues ?? [];
    this.errno = details.errno;
    this.step = details.step;
    this.retryable = catalogue[code].retryable;
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.object && { object: this.object }),
      ...(this.hint && { hint: this.hint }),
      ...(this.issues.length > 0 && { issues: this.issues }),
      ...(this.errno && { errno: this.errno }),
      ...(this.step && { step: this.step }),
      retryable: this.retryable,
      ...(this.cause !== undefined && { cause: causeToJson(this.cause) }),
    };
  }

  /** Rebuilds an error that came over a wire. An unknown code becomes `E_INTERNAL`, with the text kept. */
  static fromJSON(json: ErrorJson): CoreError {
    const known = Object.hasOwn(catalogue, json.code);
    const { code, cause, retryable: _retryable, ...details } = json;
    return new CoreError(known ? code : 'E_INTERNAL', {
      ...details,
      ...(cause && { cause: 'code' in cause ? CoreError.fromJSON(cause) : new Error(cause.message) }),
    });
  }
}

/** Anything thrown, as a `CoreError`: an abort becomes `E_ABORTED`, what nobody foresaw `E_INTERNAL`. */
export function toCoreError(thrown: unknown): CoreError {
  if (thrown instanceof CoreError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new CoreError('E_ABORTED', { message: thrown.message, cause: thrown });
  }
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new CoreError('E_TIMEOUT', { message: thrown.message, cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CoreError(isDenied(thrown) ? 'E_PERMISSION' : 'E_INTERNAL', { message: message + deniedWhat(thrown), cause: thrown });
}

export function isCoreError(thrown: unknown, code?: ErrorCode): thrown is CoreError {
  return thrown instanceof CoreError && (code === undefined || thrown.code === code);
}

/** What Node's permission model throws in the process of an isolated plugin. */
function isDenied(thrown: unknown): thrown is { readonly permission?: unknown; readonly resource?: unknown } {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_ACCESS_DENIED';
}

function deniedWhat(thrown: unknown): string {
  if (!isDenied(thrown)) return '';
  return ` (${[thrown.permission, thrown.resource].filter((part) => typeof part === 'string' && part !== '').join(' ')})`;
}

function causeToJson(cause: unknown): ErrorJson | { readonly message: string } {
  if (cause instanceof CoreError) return cause.toJSON();
  return { message: cause instanceof Error ? cause.message : String(cause) };
}
