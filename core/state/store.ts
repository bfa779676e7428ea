/**
 * What a kernel remembers, as its users see it. Comes in: changes. Goes out: typed collections, written in atomic batches.
 * Implemented by `lmdb-store.ts`, which lasts, and by `memory-store.ts` for kernels that leave nothing behind. Used by the
 * operations, and by the kernel for plugins that may keep state.
 */
import { CoreError } from '../errors/index.js';

export type Key = string | number;

export interface Range {
  /** Leaves out keys up to and including this one. */
  readonly after?: Key | undefined;
  /** Only keys that begin with it. */
  readonly prefix?: string | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface Collection<T> {
  get(key: Key): T | undefined;
  /** In the order of the keys. */
  entries(range?: Range): Array<[Key, T]>;
  /** Only inside `Store.write`. */
  put(key: Key, value: T): void;
  /** Only inside `Store.write`. What is not there counts as deleted. */
  delete(key: Key): void;
}

export interface Store {
  readonly path: string;
  /** The same name always gives the same collection. */
  collection<T>(name: string): Collection<T>;
  /**
   * Everything `change` puts and deletes is committed together, or not at all. Settles once a `kill -9` of this process can
   * no longer lose it; until then it may not be read. Throws `E_IO`, `E_CLOSED`.
   */
  write(change: () => void): Promise<void>;
  /** Commits what is queued and gives the root back. Twice is fine. */
  close(): Promise<void>;
}

/** Collects what a `change` puts and deletes before any of it is done, so that one that throws half-way does nothing. */
export class Changes<Change> {
  #open: Change[] | undefined;

  collect(change: () => void): Change[] {
    const changes: Change[] = [];
    this.#open = changes;
    try {
      change();
    } finally {
      this.#open = undefined;
    }
    return changes;
  }

  add(change: Change): void {
    if (!this.#open) throw new CoreError('E_INTERNAL', { message: 'a record was changed outside of Store.write' });
    this.#open.push(change);
  }
}
