/**
 * The memory of a kernel that leaves nothing behind. Goes out: a store that is gone with the process. Made by `createKernel`
 * for private roots, where there is nothing to recover: whatever such a kernel started ends with it.
 */
import { CoreError } from '../errors/index.js';
import { Changes, type Collection, type Key, type Range, type Store } from './store.js';

/** `path` is for messages only. */
export function memoryStore(path: string): Store {
  const collections = new Map<string, Map<Key, unknown>>();
  const changes = new Changes<() => void>();
  let closed = false;
  return {
    path,
    collection<T>(name: string): Collection<T> {
      const values = (collections.get(name) ?? new Map<Key, unknown>()) as Map<Key, T>;
      collections.set(name, values);
      return {
        get: (key) => values.get(key),
        entries: (range) => select([...values], range),
        put: (key, value) => changes.add(() => void values.set(key, value)),
        delete: (key) => changes.add(() => void values.delete(key)),
      };
    },
    async write(change) {
      if (closed) throw new CoreError('E_CLOSED', { message: `the state of ${path} is closed` });
      for (const apply of changes.collect(change)) apply();
    },
    async close() {
      closed = true;
    },
  };
}

function select<T>(entries: Array<[Key, T]>, { after, prefix, reverse = false, limit }: Range = {}): Array<[Key, T]> {
  const wanted = entries
    .filter(([key]) => (after === undefined || compare(key, after) > 0) && (prefix === undefined || (typeof key === 'string' && key.startsWith(prefix))))
    .sort(([one], [other]) => (reverse ? compare(other, one) : compare(one, other)));
  return limit === undefined ? wanted : wanted.slice(0, limit);
}

/** Numbers come before texts, as in lmdb. */
function compare(one: Key, other: Key): number {
  if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1;
  return one < other ? -1 : Number(one > other);
}
