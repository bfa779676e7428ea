/**
 * What was read of a file or folder, for as long as that has not changed. Comes in: a path and how to read it. Goes out: the value, from memory where one look at the
 * path shows that memory is right. Called on the way of every container start, where reading and checking files anew would cost more than all the rest.
 *
 * In the store every change of a file is a rename, so it shows in its folder. A time stamp may be as coarse as a clock tick: two changes within one look like one.
 * So what was read shortly after a change is not remembered.
 */
import { statSync, type BigIntStats } from 'node:fs';

/** Longer than the tick of any kernel (10 ms). */
const SETTLED_MS = 50;

export class Unchanged<T> {
  readonly #values = new Map<string, { readonly stamp: string; readonly value: T }>();

  async read(path: string, load: () => Promise<T>): Promise<T> {
    const before = stampOf(path);
    const known = this.#values.get(path);
    if (known && known.stamp === before?.stamp) return known.value;
    const value = await load();
    if (before?.settled && stampOf(path)?.stamp === before.stamp) this.#values.set(path, { stamp: before.stamp, value });
    else this.#values.delete(path);
    return value;
  }
}

function stampOf(path: string): { readonly stamp: string; readonly settled: boolean } | undefined {
  let found: BigIntStats | undefined;
  try {
    found = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
  // Once it is made, it has a stamp.
  if (!found) return { stamp: 'absent', settled: true };
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = found;
  return { stamp: [dev, ino, size, mtimeNs, ctimeNs].join(':'), settled: Date.now() - Number(ctimeMs) > SETTLED_MS };
}
