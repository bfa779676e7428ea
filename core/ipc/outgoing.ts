/**
 * The calls this end has made. Comes in: requests from ports, and the frames that answer them. Goes out: promises and
 * iterators. Used by `link.ts`.
 */
import type { CallOptions, MethodSpec } from '../contracts/define.js';
import { CoreError, toCoreError, type ErrorJson } from '../errors/index.js';
import type { Progress } from '../contracts/progress.js';
import { Inbox } from './flow.js';
import { InputPump } from './input.js';
import { CALL, CANCEL, CREDIT, type Limits } from './protocol.js';
import type { Wire } from './wire.js';

export interface Target {
  /** `runtime@1`. */
  readonly contract: string;
  readonly method: string;
  readonly spec: MethodSpec;
}

type Outcome = { readonly value: unknown } | { readonly error: CoreError };

export class OutgoingCalls {
  /** Calls the other end takes at a time; the rest waits here. */
  maxCalls = 1;
  readonly #wire: Wire;
  readonly #limits: Limits;
  readonly #pending = new Map<number, ActiveCall>();
  readonly #queue: Array<() => void> = [];
  #lastId = 0;

  constructor(wire: Wire, limits: Limits) {
    this.#wire = wire;
    this.#limits = limits;
  }

  call(target: Target, request: unknown, call: CallOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#begin({
        target, request, call,
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value)),
      });
    });
  }

  /** Begins with the consumer's first `next`, as a generator does. */
  stream(target: Target, request: unknown, call: CallOptions = {}): AsyncIterableIterator<unknown> {
    const { window } = this.#limits;
    let active: ActiveCall | undefined;
    let ended: Promise<void> = Promise.resolve();
    const inbox: Inbox<unknown> = new Inbox<unknown>(window, {
      window,
      grant: (bytes) => active?.grant(bytes),
      open: () => {
        ended = new Promise((resolve) => {
          active = this.#begin({
            target, request, call, inbox,
            settle: (outcome) => {
              inbox.finish('error' in outcome ? outcome.error : undefined);
              resolve();
            },
          });
        });
      },
      leave: () => {
        active?.cancel(new CoreError('E_ABORTED', { message: 'the consumer left the stream' }));
        return ended;
      },
    });
    return inbox;
  }

  result(id: number, value: unknown): void {
    this.#answer(id, { value });
  }

  error(id: number, json: ErrorJson): void {
    this.#answer(id, { error: CoreError.fromJSON(json) });
  }

  item(id: number, value: unknown, size: number): void {
    this.#pending.get(id)?.inbox?.push(value, size);
  }

  progress(id: number, progress: Progress): void {
    this.#pending.get(id)?.onProgress?.(progress);
  }

  inputCredit(id: number, bytes: number): void {
    this.#pending.get(id)?.input?.grant(bytes);
  }

  /** The link is over: so is every call. */
  end(reason: CoreError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const active of pending) active.answer({ error: reason });
    for (const start of this.#queue.splice(0)) start();
  }

  #begin(request: CallRequest): ActiveCall {
    const active = new ActiveCall(request, this.#wire, this.#limits);
    const start = (): void => {
      if (active.settled) return this.#next();
      if (this.#wire.reason) return active.finish({ error: this.#wire.reason });
      const id = ++this.#lastId;
      this.#pending.set(id, active);
      // A call that could not be sent never took its place.
      if (!active.start(id)) this.#answer(id, undefined);
    };
    if (this.#pending.size < this.maxCalls || this.#wire.reason) start();
    else this.#queue.push(start);
    return active;
  }

  #answer(id: number, outcome: Outcome | undefined): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (outcome) pending.answer(outcome);
    this.#next();
  }

  #next(): void {
    if (this.#pending.size < this.maxCalls) this.#queue.shift()?.();
  }
}

interface CallRequest {
  readonly target: Target;
  readonly request: unknown;
  readonly call: CallOptions;
  readonly inbox?: Inbox<unknown>;
  readonly settle: (outcome: Outcome) => void;
}

/** One call with all that hangs on it: the caller's signal, its deadline, its input. Nothing of it outlives `finish`. */
class ActiveCall {
  settled = false;
  readonly inbox: Inbox<unknown> | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  input: InputPump | undefined;
  readonly #request: CallRequest;
  readonly #wire: Wire;
  readonly #limits: Limits;
  readonly #onAbort = (): void => this.cancel(aborted(this.#request));
  #id = 0;
  #cancelled: CoreError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: CallRequest, wire: Wire, limits: Limits) {
    this.#request = request;
    this.#wire = wire;
    this.#limits = limits;
    this.inbox = request.inbox;
    const { onProgress } = request.call;
    this.onProgress = onProgress && ((progress) => this.#report(onProgress, progress));
    const { signal } = request.call;
    if (signal?.aborted) {
      this.#abortedEarly();
      return;
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const { deadline } = request.target.spec;
    if (deadline > 0) this.#timer = setTimeout(() => this.#late(deadline), deadline);
  }

  /** The other end's answer. One that comes as an error after a cancel is told as the cancel. */
  answer(outcome: Outcome): void {
    this.finish(this.#cancelled && 'error' in outcome ? { error: this.#cancelled } : outcome);
  }

  /** False when it could not be sent, and has failed with the reason. */
  start(id: number): boolean {
    const { target, request, call } = this.#request;
    const input = target.spec.input && call.input !== undefined;
    const header = { progress: call.onProgress !== undefined, input, credit: this.inbox ? this.#limits.window : 0 };
    try {
      this.#wire.send([CALL, id, target.contract, target.method, request, header]);
    } catch (error) {
      this.finish({ error: toCoreError(error) });
      return false;
    }
    this.#id = id;
    if (input && call.input) this.input = new InputPump(this.#wire, id, call.input);
    return true;
  }

  /** The consumer took so many bytes of the stream. */
  grant(bytes: number): void {
    if (this.#id > 0 && !this.settled) this.#wire.send([CREDIT, this.#id, bytes]);
  }

  /** Asks the other end to stop, and gives it `cancelGrace` to unwind: the caller's promise settles after the work has ended. */
  cancel(reason: CoreError): void {
    if (this.settled || this.#cancelled) return;
    this.#cancelled = reason;
    if (this.#id === 0) return this.finish({ error: reason });
    this.#wire.send([CANCEL, this.#id]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.finish({ error: reason }), this.#limits.cancelGrace);
  }

  finish(outcome: Outcome): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#request.call.signal?.removeEventListener('abort', this.#onAbort);
    this.input?.stop();
    this.#request.settle(outcome);
  }

  #abortedEarly(): void {
    // Not before the constructor's caller holds the object.
    this.#cancelled = aborted(this.#request);
    this.settled = true;
    queueMicrotask(() => this.#request.settle({ error: aborted(this.#request) }));
  }

  #late(deadline: number): void {
    const { contract, method } = this.#request.target;
    const error = new CoreError('E_TIMEOUT', { message: `${contract} ${method} gave no answer within ${deadline} ms`, object: { kind: 'contract', id: contract } });
    if (this.#id > 0) this.#wire.send([CANCEL, this.#id]);
    this.#cancelled = error;
    this.finish({ error });
  }

  /** A listener that throws ends its own call, not the link. */
  #report(onProgress: (progress: Progress) => void, progress: Progress): void {
    if (this.settled) return;
    try {
      onProgress(progress);
    } catch (error) {
      this.cancel(toCoreError(error));
    }
  }
}

function aborted({ target, call }: CallRequest): CoreError {
  return new CoreError('E_ABORTED', { message: `${target.contract} ${target.method} was aborted`, cause: call.signal?.reason });
}
