/**
 * The link protocol: what the frames are, which shapes they have, and which bounds hold. Comes in: a decoded value. Goes out: a
 * checked `Frame`, or `E_PROTOCOL`. Used by every other file of this folder.
 *
 * Both ends are equal: either may export contracts, and either may call. An id belongs to the end that made the call, and the
 * type of a frame tells which of the two that is, so the ends number their calls independently.
 *
 *   hello  ->  <- hello                                  then, per call:
 *   call ->  [credit ->] [input -> inputEnd ->] [cancel ->]     <- [inputCredit] [progress] item* end | result | error
 *
 * Flow control is in bytes: an end may send items of a stream while it has credit left, each costing its frame's length plus
 * `ITEM_OVERHEAD`; the receiver grants what its consumer took. So a slow consumer holds back the producer, not the link.
 */
import { CoreError, type ErrorJson } from '../errors/index.js';
import type { Progress } from '../contracts/index.js';

/** Grows with every change that an older end would misread. The shape of `hello` and `bye` never changes. */
export const PROTOCOL_VERSION = 1;

export const HELLO = 0;
export const BYE = 1;
export const CALL = 2;
export const CANCEL = 3;
export const CREDIT = 4;
export const INPUT = 5;
export const INPUT_END = 6;
export const INPUT_ERROR = 7;
export const RESULT = 8;
export const ERROR = 9;
export const ITEM = 10;
export const END = 11;
export const PROGRESS = 12;
export const INPUT_CREDIT = 13;

export interface Identity {
  /** Who speaks: `core`, `core-cli`, a plugin's name. */
  readonly name: string;
  readonly version: string;
  readonly pid: number;
}

export interface Hello {
  readonly protocol: number;
  readonly identity: Identity;
  /** `[id, version]` of every contract this end exports. */
  readonly exports: ReadonlyArray<readonly [id: string, version: number]>;
  /** What this end takes: bytes in a frame, calls at a time. */
  readonly limits: { readonly maxFrame: number; readonly maxCalls: number };
}

export interface CallHeader {
  /** Whether the caller listens to progress, and feeds input. */
  readonly progress: boolean;
  readonly input: boolean;
  /** Initial credit for the items of a stream, in bytes; 0 for a plain call. */
  readonly credit: number;
}

export type Frame =
  | readonly [typeof HELLO, Hello]
  | readonly [typeof BYE, ErrorJson | null]
  | readonly [typeof CALL, number, string, string, unknown, CallHeader]
  | readonly [typeof CANCEL | typeof INPUT_END | typeof END, number]
  | readonly [typeof CREDIT | typeof INPUT_CREDIT, number, number]
  | readonly [typeof INPUT, number, Uint8Array]
  | readonly [typeof ERROR | typeof INPUT_ERROR, number, ErrorJson]
  | readonly [typeof RESULT | typeof ITEM, number, unknown]
  | readonly [typeof PROGRESS, number, Progress];

export interface Limits {
  /** Largest frame taken, in bytes, checked before it is decoded. Default 16 MiB. */
  readonly maxFrame: number;
  /** Calls of the other end at a time. Default 16384. */
  readonly maxCalls: number;
  /** Bytes a stream may be ahead of its consumer. Default 256 KiB. */
  readonly window: number;
  /** Milliseconds for the other end to say hello. Default 10 s. */
  readonly handshakeTimeout: number;
  /** Milliseconds a cancelled call may take to unwind before its caller is let go. Default 30 s. */
  readonly cancelGrace: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxFrame: 16 * 1024 * 1024,
  maxCalls: 16_384,
  window: 256 * 1024,
  handshakeTimeout: 10_000,
  cancelGrace: 30_000,
});

/** Largest frame before the handshake is over: a stranger gets no more. */
export const HELLO_LIMIT = 64 * 1024;

/** What an item costs beyond its bytes: the object it becomes. Bounds a flood of tiny items. */
export const ITEM_OVERHEAD = 64;

/** Checks the shape of what came off the wire. Throws `E_PROTOCOL`. */
export function parseFrame(value: unknown): Frame {
  const shape = Array.isArray(value) ? shapes[value[0] as number] : undefined;
  if (!Array.isArray(value) || !shape || value.length !== shape.length + 1 || !shape.every((fits, i) => fits(value[i + 1]))) {
    throw new CoreError('E_PROTOCOL', { message: `not a frame of protocol ${PROTOCOL_VERSION}: ${describe(value)}` });
  }
  return value as unknown as Frame;
}

type Check = (value: unknown) => boolean;

const any: Check = () => true;
const text: Check = (value) => typeof value === 'string';
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const id: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const bytes: Check = (value) => value instanceof Uint8Array;
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const error: Check = (value) => isRecord(value) && text(value.code) && text(value.message);
const progress: Check = (value) => isRecord(value) && text(value.id) && text(value.phase);
const header: Check = (value) => isRecord(value) && typeof value.progress === 'boolean' && typeof value.input === 'boolean' && count(value.credit);

const shapes: Readonly<Record<number, readonly Check[]>> = {
  [HELLO]: [object],
  [BYE]: [(value) => value === null || error(value)],
  [CALL]: [id, text, text, any, header],
  [CANCEL]: [id],
  [CREDIT]: [id, count],
  [INPUT]: [id, bytes],
  [INPUT_END]: [id],
  [INPUT_ERROR]: [id, error],
  [RESULT]: [id, any],
  [ERROR]: [id, error],
  [ITEM]: [id, any],
  [END]: [id],
  [PROGRESS]: [id, progress],
  [INPUT_CREDIT]: [id, count],
};

/** Checks a hello, its version first. Throws `E_PROTOCOL` that says both versions. */
export function checkHello(hello: Hello): Hello {
  if (hello.protocol !== PROTOCOL_VERSION) {
    throw new CoreError('E_PROTOCOL', {
      message: `this end speaks link protocol ${PROTOCOL_VERSION}, the other end ${String(hello.protocol)}`,
      hint: 'Use the same release of core on both ends.',
    });
  }
  const { identity, exports, limits } = hello;
  const sound =
    isRecord(identity) && text(identity.name) && text(identity.version) && count(identity.pid) &&
    Array.isArray(exports) && exports.every((entry) => Array.isArray(entry) && text(entry[0]) && count(entry[1])) &&
    isRecord(limits) && id(limits.maxFrame) && id(limits.maxCalls);
  if (!sound) throw new CoreError('E_PROTOCOL', { message: 'the hello of the other end is malformed' });
  return hello;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return object(value);
}

function describe(value: unknown): string {
  if (!Array.isArray(value)) return `a ${value === null ? 'nil' : typeof value}`;
  return `type ${typeof value[0] === 'number' ? value[0] : typeof value[0]} with ${value.length - 1} fields`;
}
