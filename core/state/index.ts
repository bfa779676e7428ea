// `lmdb-store.js` is left out: loading the database takes 30 ms, which only kernels with a root that lasts should pay.
export type { Collection, Key, Range, Store } from './store.js';
export { memoryStore } from './memory-store.js';
export { openJournal, type Journal } from './events.js';
export { selfIdentity, isAlive, bootId, type ProcessIdentity } from './identity.js';
export { pluginCorner, type PluginCorner } from './plugin-state.js';
