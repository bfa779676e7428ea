/**
 * One call of the other end, while the implementation works on it. Comes in: the method and its request. Goes out: frames of
 * progress, items, and exactly one answer. Made by `incoming.ts`.
 */
import type { CallOptions, MethodSpec } from '../contracts/define.js';
import type { Progress } from '../contracts/progress.js';
import { toCoreError, type CoreError } from '../errors/index.js';
import { Credit, Inbox } from './flow.js';
import type { Implementation } from './port.js';
import { END, ERROR, INPUT_CREDIT, ITEM, PROGRESS, RESULT, type CallHeader, type Frame } from './protocol.js';
import type { Wire } from './wire.js';

export interface RunningCallOptions {
  readonly id: number;
  readonly wire: Wire;
  readonly header: CallHeader;
  /** Bytes of input that may wait for the implementation. */
  readonly window: number;
}

export class RunningCall {
  /** What the caller still takes of a stream. */
  readonly credit: Credit;
  /** What the caller feeds in. */
  readonly input: Inbox<Uint8Array> | undefined;
  readonly #id: number;
  readonly #wire: Wire;
  readonly #wantsProgress: boolean;
  readonly #abort = new AbortController();
  /** Progress held back while the wire is congested: only the latest of each id is worth sending. */
  readonly #held = new Map<string, Progress>();
  #iterator: AsyncIterator<unknown> | undefined;
  #settled = false;

  constructor({ id, wire, header, window }: RunningCallOptions) {
    this.#id = id;
    this.#wire = wire;
    this.#wantsProgress = header.progress;
    this.credit = new Credit(header.credit);
    if (header.input) this.input = inputOf(id, wire, window);
  }

  async run({ spec, run }: { spec: MethodSpec; run: Implementation }, request: unknown): Promise<void> {
    try {
      const answer = run(request, this.#options(spec));
      if (spec.kind === 'stream') await this.#pump(answer as AsyncIterable<unknown>);
      const value = await answer;
      this.#settle(spec.kind === 'stream' ? [END, this.#id] : [RESULT, this.#id, value]);
    } catch (thrown) {
      this.#settle([ERROR, this.#id, toCoreError(thrown).toJSON()]);
    }
    void this.input?.return();
  }

  /** Tells the implementation that nobody wants the answer any more. */
  cancel(reason: CoreError): void {
    if (this.#settled || this.#abort.signal.aborted) return;
    this.#abort.abort(reason);
    this.input?.finish(reason);
    this.credit.release();
    // Wakes a generator between two items; one that waits for its source is woken by its signal.
    this.#iterator?.return?.().catch(() => undefined);
  }

  #options(spec: MethodSpec): CallOptions {
    return {
      signal: this.#abort.signal,
      ...(this.#wantsProgress && { onProgress: (progress: Progress) => this.#progress(progress) }),
      ...(spec.input && this.input && { input: this.input }),
    };
  }

  /** An item is asked for only when the caller has room for it. */
  async #pump(items: AsyncIterable<unknown>): Promise<void> {
    const { signal } = this.#abort;
    const iterator = items[Symbol.asyncIterator]();
    this.#iterator = iterator;
    let exhausted = false;
    try {
      for (;;) {
        await this.credit.available();
        signal.throwIfAborted();
        const { done, value } = await iterator.next();
        exhausted = done === true;
        signal.throwIfAborted();
        if (exhausted) return;
        this.#flushProgress();
        this.credit.spend(this.#wire.send([ITEM, this.#id, value]));
        if (this.#wire.congested) await this.#wire.drained();
      }
    } finally {
      if (!exhausted) await iterator.return?.();
    }
  }

  #progress(progress: Progress): void {
    if (this.#settled) return;
    this.#held.delete(progress.id);
    this.#held.set(progress.id, progress);
    if (!this.#wire.congested) this.#flushProgress();
    else if (this.#held.size === 1) void this.#wire.drained().then(() => this.#flushProgress());
  }

  #flushProgress(): void {
    for (const progress of this.#held.values()) this.#wire.send([PROGRESS, this.#id, progress]);
    this.#held.clear();
  }

  #settle(answer: Frame): void {
    if (this.#settled) return;
    this.#flushProgress();
    this.#wire.send(answer);
    this.#settled = true;
  }
}

/** Nothing is read ahead of the implementation's first `next`. */
function inputOf(id: number, wire: Wire, window: number): Inbox<Uint8Array> {
  const grant = (bytes: number): void => void wire.send([INPUT_CREDIT, id, bytes]);
  const inbox: Inbox<Uint8Array> = new Inbox<Uint8Array>(0, { window, grant, open: () => inbox.refill(window) });
  return inbox;
}
