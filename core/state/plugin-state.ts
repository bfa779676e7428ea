/**
 * A plugin's corner of the store. Comes in: the plugin's name. Goes out: get, put, remove and list under keys of its own.
 * Called by the kernel for plugins with the permission `state`.
 */
import type { Collection, Store } from './store.js';

export interface PluginCorner {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
  list(prefix?: string): Promise<ReadonlyArray<readonly [key: string, value: unknown]>>;
}

/** Plugin names hold no slash, so no plugin can reach into another's corner. */
export function pluginCorner(store: Store, plugin: string): PluginCorner {
  const collection: Collection<unknown> = store.collection('plugins');
  const own = `${plugin}/`;
  return {
    get: async (key) => structuredClone(collection.get(own + key)),
    put: (key, value) => {
      const copy = structuredClone(value);
      return store.write(() => collection.put(own + key, copy));
    },
    remove: (key) => store.write(() => collection.delete(own + key)),
    list: async (prefix = '') => collection.entries({ prefix: own + prefix }).map(([key, value]) => [String(key).slice(own.length), value] as const),
  };
}
