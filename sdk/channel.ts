/** Comes in: items from one producer. Goes out: an async iterable for one consumer; `push` waits until the item is taken, so a slow consumer holds the producer back. Used for pipes, lines and stdin. */

export interface Channel<T> extends AsyncIterable<T> {
  /** Resolves once the consumer asks for more, or at once when it is gone. */
  push(item: T): Promise<void>;
  /** No more items; those waiting are still delivered. */
  end(): void;
  /** No more items, and those waiting are dropped. */
  cut(): void;
  /** Settles when the consumer has stopped before the end. */
  readonly abandoned: Promise<void>;
}

export function createChannel<T>(): Channel<T> {
  const queue: Array<{ item: T; taken: () => void }> = [];
  let ended = false;
  let gone = false;
  let wake = (): void => {};
  let abandon = (): void => {};
  const abandoned = new Promise<void>((resolve) => (abandon = resolve));

  async function* consume(): AsyncGenerator<T> {
    try {
      for (;;) {
        const next = queue[0];
        if (next) {
          yield next.item;
          if (queue[0] === next) queue.shift();
          next.taken();
        } else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      leave();
    }
  }

  function leave(): void {
    gone = true;
    drop();
    if (!ended) abandon();
  }

  function drop(): void {
    for (const { taken } of queue.splice(0)) taken();
  }

  const items = consume();
  return {
    abandoned,
    push: (item) => {
      if (gone || ended) return Promise.resolve();
      return new Promise((taken) => {
        queue.push({ item, taken });
        wake();
      });
    },
    end: () => {
      ended = true;
      wake();
    },
    cut: () => {
      ended = true;
      drop();
      wake();
    },
    [Symbol.asyncIterator]: () => ({
      next: () => items.next(),
      // A generator that waits for an item answers `return` only after the next one; leaving must not wait.
      return: async () => {
        leave();
        wake();
        ended = true;
        void items.return(undefined);
        return { done: true, value: undefined };
      },
    }),
  };
}

/** Text chunks to lines without their ends; the last one may lack its newline. */
export async function* toLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  // In parts, so that a line of a hundred megabytes is not scanned again with every chunk.
  let rest: string[] = [];
  for await (const chunk of chunks) {
    const [first = '', ...more] = decoder.decode(chunk, { stream: true }).split('\n');
    rest.push(first);
    for (const part of more) {
      yield withoutReturn(rest.join(''));
      rest = [part];
    }
  }
  const last = rest.join('') + decoder.decode();
  if (last !== '') yield last;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
