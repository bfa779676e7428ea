/**
 * Hands on a runtime's stream. Comes in: a way to open it. Goes out: the very same items; a refusal comes with the first of
 * them, as it does for every stream across a wire.
 */
export function forward<Item>(open: () => AsyncIterable<Item>): AsyncIterable<Item> {
  try {
    return open();
  } catch (error) {
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
  }
}
