/**
 * Removes folders through the executor. Comes in: paths, from every removal. Goes out: they are gone. A worker process per
 * removal is what many removals at once would mostly pay for, so those that come while the workers are busy go to the next one together.
 */
interface Trees {
  readonly paths: readonly string[];
  /** Of overlays: kept for the next container where they are empty. */
  readonly workdirs: readonly string[];
}

type Remove = (trees: Trees) => Promise<unknown>;

interface Batch {
  readonly paths: string[];
  readonly workdirs: string[];
  readonly done: Promise<void>;
  readonly begin: () => void;
}

/** More than one, so that a large folder does not hold all others up. */
const WORKERS = 2;

export class TreeRemover {
  readonly #remove: Remove;
  #working = 0;
  #next: Batch | undefined;

  constructor(remove: Remove) {
    this.#remove = remove;
  }

  /** Rejects as the removal of the whole batch does; asking again is always right. */
  remove(paths: readonly string[], workdirs: readonly string[] = []): Promise<void> {
    const batch = (this.#next ??= this.#open());
    batch.paths.push(...paths);
    batch.workdirs.push(...workdirs);
    if (this.#working < WORKERS) this.#begin();
    return batch.done;
  }

  #open(): Batch {
    const trees = { paths: [] as string[], workdirs: [] as string[] };
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    return { ...trees, begin, done: begun.then(async () => void (await this.#remove(trees))) };
  }

  #begin(): void {
    const batch = this.#next;
    if (!batch) return;
    this.#next = undefined;
    this.#working += 1;
    const ended = (): void => {
      this.#working -= 1;
      this.#begin();
    };
    batch.done.then(ended, ended);
    batch.begin();
  }
}
