/**
 * One duplex stream as a wire of frames. Comes in: frames to send. Goes out: checked frames as they arrive, and one notice when
 * it is over, whatever the cause. Used by `link.ts`.
 */
import type { Duplex } from 'node:stream';
import { CoreError, toCoreError } from '../errors/index.js';
import { decodePayload, encodeFrame, FrameReader, HEADER } from './frame.js';
import { BYE, HELLO_LIMIT, parseFrame, type Frame } from './protocol.js';

export interface WireEvents {
  /** May throw: the wire then ends with that error, and tells it to the other end. */
  onFrame(frame: Frame, size: number): void;
  /** Called once, before anything else is torn down. */
  onEnd(reason: CoreError): void;
}

/** Milliseconds the other end has to take the last words and close, before the stream is destroyed. */
const LINGER = 1000;

export class Wire {
  /** Largest frame the other end takes; known after the handshake. */
  sendLimit = HELLO_LIMIT;
  /** Settles when the stream is closed and nothing of it is left. */
  readonly closed: Promise<void>;
  readonly #duplex: Duplex;
  readonly #events: WireEvents;
  readonly #reader = new FrameReader(HELLO_LIMIT);
  readonly #drains = new Set<() => void>();
  #reason: CoreError | undefined;
  #corked = false;

  constructor(duplex: Duplex, events: WireEvents) {
    this.#duplex = duplex;
    this.#events = events;
    this.closed = new Promise((resolve) => duplex.once('close', resolve));
    duplex.on('data', (chunk: Buffer) => this.#receive(chunk));
    duplex.on('drain', () => this.#release());
    duplex.on('error', (error) => this.#over(lost(error)));
    duplex.once('end', () => this.#over(lost()));
    duplex.once('close', () => this.#over(lost()));
    if (duplex.destroyed || duplex.readableEnded) queueMicrotask(() => this.#over(lost()));
  }

  set receiveLimit(bytes: number) {
    this.#reader.limit = bytes;
  }

  /** True while the stream holds more than it wants: who can wait, waits for `drained`. */
  get congested(): boolean {
    return this.#duplex.writableNeedDrain;
  }

  /** Why it ended, once it has. */
  get reason(): CoreError | undefined {
    return this.#reason;
  }

  /** Bytes of the payload sent, which is what the other end counts too; 0 when the wire is over. Throws `E_INVALID` for what cannot be sent. */
  send(frame: Frame): number {
    if (this.#reason) return 0;
    const bytes = encodeFrame(frame, this.sendLimit);
    this.#write(bytes);
    return bytes.length - HEADER;
  }

  drained(): Promise<void> {
    if (!this.congested || this.#reason) return Promise.resolve();
    return new Promise((resolve) => this.#drains.add(resolve));
  }

  /** Says goodbye, with the reason where there is one to tell, and closes. */
  end(reason: CoreError, tell: CoreError | null): void {
    if (this.#reason) return;
    this.send([BYE, tell && tell.toJSON()]);
    this.#over(reason);
  }

  #receive(chunk: Buffer): void {
    if (this.#reason) return;
    try {
      for (const payload of this.#reader.feed(chunk)) {
        this.#events.onFrame(parseFrame(decodePayload(payload)), payload.length);
        if (this.#reason) return;
      }
    } catch (thrown) {
      const error = toCoreError(thrown);
      this.end(error, error);
    }
  }

  /** Frames of one turn of the event loop leave in one system call. */
  #write(bytes: Buffer): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#duplex.cork();
      process.nextTick(() => this.#uncork());
    }
    this.#duplex.write(bytes);
  }

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#duplex.uncork();
  }

  #release(): void {
    for (const resolve of this.#drains) resolve();
    this.#drains.clear();
  }

  #over(reason: CoreError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#events.onEnd(reason);
    this.#release();
    this.#uncork();
    if (this.#duplex.destroyed) return;
    // Closing with unread input would reset the connection, and the last words with it: what still comes is read and dropped.
    const timer = setTimeout(() => this.#duplex.destroy(), LINGER);
    this.#duplex.once('close', () => clearTimeout(timer));
    this.#duplex.end();
    this.#duplex.resume();
  }
}

function lost(cause?: Error): CoreError {
  return new CoreError('E_CLOSED', { message: 'the other end of the link is gone', cause });
}
