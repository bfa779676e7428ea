/**
 * Frames on the wire. Comes in: JavaScript values and chunks of bytes. Goes out: `u32 LE length + MessagePack` and the values
 * back. Called by `wire.ts`; knows nothing of what the frames mean.
 */
import { Packr, RESERVE_START_SPACE } from 'msgpackr/pack';
import { CoreError } from '../errors/index.js';

/** Bytes of the length before each payload. */
export const HEADER = 4;

/** Standard MessagePack, readable by any decoder: no records, the smallest map header. */
const codec = new Packr({ useRecords: false, variableMapSize: true });

/**
 * One frame, header included. Throws `E_INVALID` when the value is not plain data, or its frame would pass `limit` bytes (0:
 * no limit): better told to the one who sends than found out by the one who receives.
 */
export function encodeFrame(value: unknown, limit: number): Buffer {
  const frame = pack(value);
  const length = frame.length - HEADER;
  if (limit > 0 && length > limit) {
    throw new CoreError('E_INVALID', {
      message: `a message of ${length} bytes is over the other end's limit of ${limit}`,
      hint: 'Send it in parts: large data belongs into a stream, or into a file.',
    });
  }
  frame.writeUInt32LE(length, 0);
  return frame;
}

/** The value of a frame's payload. Throws `E_PROTOCOL` for what is not exactly one MessagePack value. */
export function decodePayload(payload: Buffer): unknown {
  try {
    return codec.unpack(payload);
  } catch (error) {
    throw new CoreError('E_PROTOCOL', { message: 'a frame does not hold one MessagePack value', cause: error });
  }
}

/** Puts frames together from chunks cut anywhere. The length is checked before a byte of the payload is kept. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  #need = HEADER;
  #inPayload = false;

  /** `limit`: the largest payload, in bytes; may be changed between frames. */
  constructor(public limit: number) {}

  /** The payloads that this chunk completes. Throws `E_PROTOCOL` for a length of 0 or over the limit. */
  *feed(chunk: Buffer): Generator<Buffer, void, void> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    while (this.#buffered >= this.#need) {
      const piece = this.#take(this.#need);
      if (this.#inPayload) {
        this.#inPayload = false;
        this.#need = HEADER;
        yield piece;
      } else {
        this.#need = this.#checked(piece.readUInt32LE(0));
        this.#inPayload = true;
      }
    }
  }

  #checked(length: number): number {
    if (length > 0 && length <= this.limit) return length;
    throw new CoreError('E_PROTOCOL', { message: `a frame claims ${length} bytes; 1 to ${this.limit} are allowed` });
  }

  #take(size: number): Buffer {
    const first = this.#chunks[0] as Buffer;
    this.#buffered -= size;
    if (first.length === size) return this.#chunks.shift() as Buffer;
    if (first.length > size) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > size ? [all.subarray(size)] : [];
    return all.subarray(0, size);
  }
}

function pack(value: unknown): Buffer {
  try {
    return codec.pack(value, RESERVE_START_SPACE | HEADER);
  } catch (error) {
    throw new CoreError('E_INVALID', { message: 'a message holds what is not plain data', cause: error });
  }
}
