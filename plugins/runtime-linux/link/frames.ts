/** Frames of the executor's protocol: values in, bytes out, and back. Called by `connection.ts`. */
import { CoreError } from '@core/core/plugin';
import { Packr, RESET_BUFFER_MODE } from 'msgpackr';
import { MAX_FRAME, MAX_REQUEST } from '../protocol.js';

const HEADER = 4;

// Plain MessagePack, as C reads it; 64-bit integers in replies (times) all fit a double.
const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });

/** A value that is MessagePack already. */
export class Encoded {
  constructor(readonly bytes: Buffer) {}
}

export function encode(value: unknown): Encoded {
  return new Encoded(Buffer.from(scratch(value)));
}

/** The parts of a request's frame, to be sent one after the other. An argument that is `Encoded` goes out as it is, without a copy: plans are large. */
export function encodeRequest(seq: number, op: string, argument: unknown): Buffer[] {
  if (!(argument instanceof Encoded)) return [encodeFrame([seq, op, argument])];
  // Its last byte is the nil in the argument's place.
  const head = encodeFrame([seq, op, null]).subarray(0, -1);
  const length = head.length - HEADER + argument.bytes.length;
  bound(length);
  head.writeUInt32LE(length, 0);
  return [head, argument.bytes];
}

/** Length and body as one buffer. Throws E_INVALID when it passes what the executor takes. */
export function encodeFrame(value: unknown): Buffer {
  const body = scratch(value);
  bound(body.length);
  const frame = Buffer.allocUnsafe(HEADER + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, HEADER);
  return frame;
}

function bound(length: number): void {
  if (length <= MAX_REQUEST) return;
  throw new CoreError('E_INVALID', { message: `a request of ${length} bytes is more than the executor takes (${MAX_REQUEST})` });
}

/** Packed into one buffer that the next call writes over: whoever calls copies. A plan is too large to be garbage at every start. */
function scratch(value: unknown): Buffer {
  return packr.pack(value, RESET_BUFFER_MODE);
}

/** Cuts a byte stream into frames. The bound is checked before anything is decoded. */
export class FrameReader {
  #pending: Buffer[] = [];
  #size = 0;

  /** Calls `take` for every complete frame. Throws E_PROTOCOL for a frame that is too long or no array. */
  push(chunk: Buffer, take: (frame: readonly unknown[]) => void): void {
    this.#pending.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= HEADER) {
      const head = this.#joined();
      const length = head.readUInt32LE(0);
      if (length > MAX_FRAME) throw new CoreError('E_PROTOCOL', { message: `the executor sent a frame of ${length} bytes; the bound is ${MAX_FRAME}` });
      if (head.length < HEADER + length) return;
      const frame: unknown = packr.unpack(head.subarray(HEADER, HEADER + length));
      this.#pending = [head.subarray(HEADER + length)];
      this.#size -= HEADER + length;
      if (!Array.isArray(frame)) throw new CoreError('E_PROTOCOL', { message: 'the executor sent a frame that is no array' });
      take(frame);
    }
  }

  #joined(): Buffer {
    const [only] = this.#pending;
    const joined = this.#pending.length === 1 && only ? only : Buffer.concat(this.#pending, this.#size);
    this.#pending = [joined];
    return joined;
  }
}
