/**
 * One connection to the executor or to a monitor: requests in, answers, items and notices out. Called by `executor.ts`,
 * `monitor.ts` and the streams of `process.ts`.
 */
import type { Socket } from 'node:net';
import { CoreError } from '@core/core/plugin';
import { connectUnix } from './connect.js';
import { StepError } from './failure.js';
import { encodeFrame, encodeRequest, FrameReader } from './frames.js';

const OK = 0;
const FAILED = 1;
const ITEM = 2;

export interface RequestOptions {
  readonly onItem?: (item: unknown) => void;
  /** Hears the number of the request, which `cancel` wants. */
  readonly onSent?: (seq: number) => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export type NoticeHandler = (name: string, argument: unknown) => void;

export class Connection {
  /** Settles, never rejects, when the connection is gone. */
  readonly closed: Promise<void>;
  /** Told the same, by whoever uses it at the time. */
  onGone: () => void = () => {};
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #items = new Map<number, (item: unknown) => void>();
  readonly #reader = new FrameReader();
  #unsent: Buffer[] = [];
  #onNotice: NoticeHandler = () => {};
  #sequence = 0;
  #fault: CoreError | undefined;
  #ended = false;
  #background = false;

  /** Rejects with the system's error when nothing answers there. */
  static async open(path: string, onNotice?: NoticeHandler): Promise<Connection> {
    return new Connection(await connectUnix(path), onNotice);
  }

  constructor(socket: Socket, onNotice?: NoticeHandler) {
    this.#socket = socket;
    if (onNotice) this.#onNotice = onNotice;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end();
        this.onGone();
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Rejects with `StepError` when C says no, with E_EXECUTOR when the connection ends first. */
  request(op: string, argument: unknown, { onItem, onSent }: RequestOptions = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#gone());
    const seq = ++this.#sequence;
    const parts = encodeRequest(seq, op, argument);
    return new Promise((resolve, reject) => {
      this.#waiting.set(seq, { resolve, reject });
      if (this.#background) this.#socket.ref();
      if (onItem) this.#items.set(seq, onItem);
      this.#post(parts);
      onSent?.(seq);
    });
  }

  /** Requests made in one turn leave in one write: each would wake the other end by itself. */
  #post(parts: readonly Buffer[]): void {
    if (this.#unsent.length === 0) process.nextTick(() => this.#flush());
    this.#unsent.push(...parts);
  }

  #flush(): void {
    const parts = this.#unsent;
    if (parts.length === 0) return;
    this.#unsent = [];
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** A frame that belongs to a running request (`stdin`); resolves once the socket takes more. */
  async send(seq: number, op: string, argument: unknown): Promise<void> {
    if (this.#ended) throw this.#gone();
    this.#flush();
    if (this.#socket.write(encodeFrame([seq, op, argument]))) return;
    await Promise.race([new Promise<void>((resolve) => this.#socket.once('drain', resolve)), this.closed]);
  }

  /** What is still to come for a request that has had its last item is of no interest. */
  forget(seq: number): void {
    this.#items.delete(seq);
  }

  /** One that nobody uses does not keep Node alive. */
  idle(): void {
    this.onGone = () => {};
    this.#socket.unref();
  }

  busy(): void {
    this.#socket.ref();
  }

  /** Stops reading, so that the other end is held back. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** From now on only a request without an answer keeps Node alive, not the connection as such. */
  background(): void {
    this.#background = true;
    this.#settled();
  }

  close(): void {
    this.#flush();
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, (frame) => this.#take(frame));
    } catch (thrown) {
      this.#fault = thrown instanceof CoreError ? thrown : new CoreError('E_PROTOCOL', { message: `the executor sent what cannot be decoded: ${String(thrown)}` });
      this.#socket.destroy();
    }
  }

  #take(frame: readonly unknown[]): void {
    const [seq, kind, body] = frame;
    if (typeof seq !== 'number') throw new CoreError('E_PROTOCOL', { message: 'the executor sent a frame without a number' });
    if (seq === 0) return this.#onNotice(String(kind), body);
    if (kind === ITEM) return this.#items.get(seq)?.(body);
    const waiting = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    this.#settled();
    if (kind === OK) waiting?.resolve(body);
    else if (kind === FAILED) {
      this.#items.delete(seq);
      waiting?.reject(new StepError(body));
    }
  }

  #settled(): void {
    if (this.#background && this.#waiting.size === 0) this.#socket.unref();
  }

  #end(): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(this.#gone());
    this.#waiting.clear();
    this.#items.clear();
  }

  #gone(): CoreError {
    return this.#fault ?? new CoreError('E_EXECUTOR', { message: 'the connection to the executor ended' });
  }
}
