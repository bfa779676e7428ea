/** Comes in: what the user gave as stdin. Goes out: bytes for the contract's `call.input`. Used by `shell.ts`. */
import { Output } from './output.js';

/** A text, bytes, an earlier output, or any sequence of texts or bytes (a Node stream is one). */
export type Input = string | Uint8Array | Output | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

export async function* toBytes(input: Input): AsyncGenerator<Uint8Array, void> {
  if (input instanceof Output) yield input.bytes();
  else if (typeof input === 'string') yield Buffer.from(input);
  else if (input instanceof Uint8Array) yield input;
  else for await (const chunk of input) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
