/**
 * Puts operations on one object in order. Comes in: work. Goes out: its result, once nobody before it is at work. Called by
 * every operation that changes a container.
 */
export class Lock {
  #last: Promise<unknown> | undefined;

  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** Runs `work` after all work given before; a failure of theirs is not ours. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const mine = before ? before.then(work) : work();
    const settled = mine.then(ignore, ignore);
    this.#last = settled;
    try {
      return await mine;
    } finally {
      if (this.#last === settled) this.#last = undefined;
    }
  }
}

function ignore(): void {}
