/**
 * The input of a call, at the caller's end. Comes in: the caller's async iterable and credit from the other end. Goes out:
 * input frames, as fast as the other end takes them. Used by `outgoing.ts`.
 */
import { toCoreError } from '../errors/index.js';
import { Credit } from './flow.js';
import { INPUT, INPUT_END, INPUT_ERROR } from './protocol.js';
import type { Wire } from './wire.js';

/** Input goes out in pieces of at most this many bytes, so that one large piece does not hold up the link. */
const PIECE = 64 * 1024;

export class InputPump {
  readonly #wire: Wire;
  readonly #id: number;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #credit = new Credit(0);
  #stopped = false;

  constructor(wire: Wire, id: number, input: AsyncIterable<Uint8Array>) {
    this.#wire = wire;
    this.#id = id;
    this.#iterator = input[Symbol.asyncIterator]();
    void this.#run();
  }

  grant(bytes: number): void {
    this.#credit.grant(bytes);
  }

  /** The call is over: what is still to come is not read. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#credit.release();
    // A generator that waits for its own source answers only once that wakes; nobody waits for it here.
    this.#iterator.return?.().catch(() => undefined);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#credit.available();
        if (this.#stopped) return;
        const { done, value } = await this.#iterator.next();
        if (this.#stopped) return;
        if (done === true) break;
        await this.#send(value);
      }
      this.#wire.send([INPUT_END, this.#id]);
    } catch (error) {
      if (!this.#stopped) this.#wire.send([INPUT_ERROR, this.#id, toCoreError(error).toJSON()]);
    }
    this.#stopped = true;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += PIECE) {
      await this.#credit.available();
      if (this.#stopped) return;
      this.#credit.spend(this.#wire.send([INPUT, this.#id, bytes.subarray(start, start + PIECE)]));
      if (this.#wire.congested) await this.#wire.drained();
    }
  }
}
