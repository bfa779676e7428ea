/** Assertions the suites share, on `node:assert` alone. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCoreError, type ErrorCode } from '../errors/index.js';

/** The work must fail with one of these codes. */
export async function rejects(work: Promise<unknown> | AsyncIterable<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  try {
    await (Symbol.asyncIterator in work ? collect(work) : work);
  } catch (error) {
    const code = isCoreError(error) ? error.code : `${String(error)}, which is no CoreError`;
    assert.ok((codes as readonly string[]).includes(code), `expected ${codes.join(' or ')}, got ${code}: ${(error as Error).message}`);
    return;
  }
  assert.fail(`expected ${codes.join(' or ')}, but it succeeded`);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Waits for what comes about by itself; fails after `patience` milliseconds. */
export async function eventually(holds: () => boolean | Promise<boolean>, about: string, patience = 10_000): Promise<void> {
  const until = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > until) assert.fail(`never came true: ${about}`);
    await sleep(10);
  }
}

/** A source of input that is written to by hand. */
export function keyboard(): { readonly input: AsyncIterable<Uint8Array>; type(text: string): void; end(): void } {
  const pieces: Uint8Array[] = [];
  let ended = false;
  let wake = (): void => undefined;
  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = pieces.shift();
      if (piece) yield piece;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    input: read(),
    type(text) {
      pieces.push(Buffer.from(text));
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  };
}
