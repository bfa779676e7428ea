/**
 * An operation of several steps that either happens or leaves nothing. Comes in: a name, the object and the steps. Goes out:
 * the body's result, or its error after everything done so far was undone in reverse. Called by every operation that changes
 * more than one thing.
 *
 * The intent is written before the first step and gone after the last, so a crash between the two is found at the next boot
 * (see recovery.ts). Undos are the contracts' teardown verbs: idempotent, hence registered *before* their step runs, so that
 * a step cut off half-way is undone as well.
 */
import { CoreError, toCoreError, type ErrorIssue, type ErrorObject } from '../errors/index.js';
import type { Collection, Store } from '../state/index.js';

/** What stands in the state store while an operation runs. */
export interface Intent {
  readonly operation: string;
  readonly object: ErrorObject;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
}

export interface SagaOptions {
  /** `container.create`; recovery decides by it. */
  readonly operation: string;
  readonly object: ErrorObject;
  readonly signal?: AbortSignal | undefined;
}

export interface Saga {
  /** Carries the caller's signal into the calls a step makes. */
  readonly call: { readonly signal: AbortSignal | undefined };
  /**
   * Runs `work`, unless the operation was aborted. `undo` runs when this step or a later one fails; it gets no signal,
   * because an unwinding is never aborted.
   */
  step<T>(name: string, work: () => Promise<T>, undo?: () => Promise<unknown>): Promise<T>;
  /** Registers an undo that is known only after its step. */
  undo(name: string, run: () => Promise<unknown>): void;
  /** Writes the intent, and `change` in the same batch; not awaited. Unwinding ends with `revert`, in the batch that removes the intent. */
  record(change: () => void, revert: () => void): void;
  /** Settles once what `record` queued can no longer be lost; an operation awaits it before it says that it succeeded. */
  recorded(): Promise<void>;
  /**
   * Removes the intent, and makes `change` in the same batch; settles with that batch. A body that can be told to have
   * succeeded without it (see recovery.ts) need not await it. Without a call the runner commits, and waits.
   */
  commit(change?: () => void): Promise<void>;
}

export type SagaRunner = <T>(options: SagaOptions, body: (saga: Saga) => Promise<T>) => Promise<T>;

/** The sagas of one store. Open intents are read back by `openIntents`. */
export function createSagas(store: Store): SagaRunner {
  const intents = intentsOf(store);
  return async (options, body) => {
    const saga = new RunningSaga(store, intents, options);
    try {
      const result = await body(saga);
      if (saga.committing) return result;
      // Until the commit an abort still counts, even one that came during the last step.
      options.signal?.throwIfAborted();
      await saga.commit();
      return result;
    } catch (error) {
      throw await saga.unwind(error);
    }
  };
}

export function intentsOf(store: Store): Collection<Intent> {
  return store.collection('intents');
}

export function intentKey(object: ErrorObject): string {
  return `${object.kind}/${object.id}`;
}

interface Undo {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

class RunningSaga implements Saga {
  readonly call: { readonly signal: AbortSignal | undefined };
  readonly #store: Store;
  readonly #intents: Collection<Intent>;
  readonly #intent: Intent;
  readonly #key: string;
  readonly #undos: Undo[] = [];
  #queued: Promise<void> | undefined;
  #committed: Promise<void> | undefined;
  #revert: (() => void) | undefined;

  constructor(store: Store, intents: Collection<Intent>, { operation, object, signal }: SagaOptions) {
    this.#store = store;
    this.#intents = intents;
    this.#intent = { operation, object, begunAt: Date.now() };
    this.#key = intentKey(object);
    this.call = { signal };
  }

  get committing(): boolean {
    return this.#committed !== undefined;
  }

  step<T>(name: string, work: () => Promise<T>, undo?: () => Promise<unknown>): Promise<T> {
    const { signal } = this.call;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (undo) this.undo(name, undo);
    return work();
  }

  undo(name: string, run: () => Promise<unknown>): void {
    this.#undos.push({ name, run });
  }

  record(change: () => void, revert: () => void): void {
    this.#revert = revert;
    this.#queued = this.#store.write(() => {
      this.#intents.put(this.#key, this.#intent);
      change();
    });
    // Heard by `recorded`; until then a failure must not count as unhandled.
    this.#queued.catch(() => {});
  }

  async recorded(): Promise<void> {
    await this.#queued;
  }

  commit(change?: () => void): Promise<void> {
    if (this.#committed) return this.#committed;
    const nothingToDo = this.#queued === undefined && change === undefined;
    this.#committed = nothingToDo ? Promise.resolve() : this.#end(change);
    this.#committed.catch(() => {});
    return this.#committed;
  }

  /** Undoes all steps, the last first, and returns the error to throw. */
  async unwind(thrown: unknown): Promise<CoreError> {
    const error = abortedOr(thrown, this.call.signal, this.#intent);
    const failures: ErrorIssue[] = [];
    const attempt = async ({ name, run }: Undo): Promise<void> => {
      try {
        await run();
      } catch (failure) {
        failures.push({ path: name, message: `undo failed: ${toCoreError(failure).message}` });
      }
    };
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) await attempt(undo);
    // With an undo that failed intent and record stay: the next boot tries again.
    if (failures.length === 0 && this.#queued) await attempt({ name: 'record', run: () => this.#end(this.#revert) });
    return failures.length === 0 ? error : withIssues(error, failures);
  }

  #end(change?: () => void): Promise<void> {
    return this.#store.write(() => {
      this.#intents.delete(this.#key);
      change?.();
    });
  }
}

function abortedOr(thrown: unknown, signal: AbortSignal | undefined, { operation, object }: Intent): CoreError {
  if (signal?.aborted && thrown === signal.reason) {
    return new CoreError('E_ABORTED', { message: `${operation} of ${object.kind} ${object.id} was aborted`, object, cause: thrown });
  }
  return toCoreError(thrown);
}

function withIssues(error: CoreError, issues: readonly ErrorIssue[]): CoreError {
  const { code, message, object, hint, errno, step } = error;
  return new CoreError(code, { message, object, hint, errno, step, issues: [...error.issues, ...issues], cause: error });
}
