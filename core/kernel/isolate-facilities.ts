/**
 * The kernel's facilities, as a plugin in a child has them. Comes in: what `ctx` is asked. Goes out: calls to the kernel. Made by
 * `isolate-child.ts`.
 *
 * A tap and an event are given in a synchronous call but travel in an asynchronous one: what the kernel refuses among the taps of
 * a setup fails that setup; later refusals are logged.
 */
import type { EngineEvent } from '../contracts/index.js';
import { CoreError, toCoreError } from '../errors/index.js';
import type { EventSource } from '../events/index.js';
import type { TapOptions } from '../hooks/index.js';
import type { IsolatedPluginCalls, IsolationHostCalls } from './isolate-contracts.js';
import type { PluginState } from './isolation.js';
import type { LocalFacilities } from './local.js';

type TapFunction = (...values: readonly unknown[]) => unknown;

export class ChildFacilities implements LocalFacilities {
  readonly events: EventSource;
  readonly state: PluginState;
  readonly #host: IsolationHostCalls;
  readonly #taps = new Map<number, TapFunction>();
  readonly #undos = new Map<number, () => unknown>();
  #pending: Array<Promise<void>> | undefined = [];
  #lastId = 0;

  constructor(host: IsolationHostCalls) {
    this.#host = host;
    const { state } = host;
    this.state = {
      get: (key) => state.get({ key }),
      put: (key, value) => state.put({ key, value }),
      remove: (key) => state.remove({ key }),
      list: (prefix) => state.list({ prefix }),
    };
    this.events = {
      emit: (event) => {
        this.#send(host.emit(event));
        // The number is the kernel's to give, and not known here.
        return Object.freeze({ ...event, sequence: 0, time: Date.now() });
      },
      on: (listener) => this.#listen(listener),
      subscribe: ({ types, buffer, signal } = {}) => started(host.events({ types, buffer }, { signal })),
    };
  }

  tap(hook: string, { name, before, after }: TapOptions, fn: TapFunction): () => void {
    const id = ++this.#lastId;
    this.#taps.set(id, fn);
    this.#send(this.#host.tap({ id, hook, name, before, after }));
    return () => {
      if (this.#taps.delete(id)) this.#send(this.#host.untap({ id }));
    };
  }

  log(record: string): void {
    // A log that cannot be delivered has nobody to tell it to.
    this.#host.log({ record }).catch(() => undefined);
  }

  async runTap({ id, values }: Parameters<IsolatedPluginCalls['runTap']>[0], signal?: AbortSignal): Promise<{ value?: unknown; undo?: number }> {
    const tap = this.#taps.get(id);
    if (!tap) throw new CoreError('E_CLOSED', { message: 'the tap was removed' });
    const answer = await tap(...values, { signal: signal ?? new AbortController().signal });
    if (typeof answer !== 'function') return { value: answer };
    const undo = ++this.#lastId;
    this.#undos.set(undo, answer as () => unknown);
    return { undo };
  }

  async undo(id: number): Promise<void> {
    const undo = this.#undos.get(id);
    this.#undos.delete(id);
    await undo?.();
  }

  /** Everything given during the setup has arrived. Rejects with the first refusal. */
  async settled(): Promise<void> {
    const pending = this.#pending ?? [];
    await Promise.all(pending);
    this.#pending = undefined;
  }

  #send(work: Promise<void>): void {
    if (this.#pending) this.#pending.push(work);
    work.catch((error: unknown) => {
      const { code, message } = toCoreError(error);
      if (!this.#pending && code !== 'E_CLOSED') this.log(JSON.stringify({ level: 'error', msg: `the kernel refused: ${message}` }));
    });
  }

  #listen(listener: (event: EngineEvent) => void): () => void {
    const ended = new AbortController();
    void this.#deliver(listener, ended.signal);
    return () => ended.abort();
  }

  async #deliver(listener: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#host.events({}, { signal })) {
        try {
          listener(event);
        } catch (error) {
          this.log(JSON.stringify({ level: 'error', event: event.type, msg: `a listener failed: ${toCoreError(error).message}` }));
        }
      }
    } catch (error) {
      if (!signal.aborted) this.log(JSON.stringify({ level: 'error', msg: `events stopped: ${toCoreError(error).message}` }));
    }
  }
}

/** Subscribes now, not with the consumer's first `next`, so that nothing between the two is missed. */
function started<T>(items: AsyncIterable<T>): AsyncIterableIterator<T> {
  const iterator = items[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<T>> | undefined = iterator.next();
  first.catch(() => undefined);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      const result = first ?? iterator.next();
      first = undefined;
      return result;
    },
    return: async () => {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
