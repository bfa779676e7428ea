export { openStore, SCHEMA_VERSION, type Collection, type Key, type Range, type Store, type StoreOptions } from './store.js';
export { openJournal, type Journal } from './events.js';
export { selfIdentity, isAlive, bootId, type ProcessIdentity } from './identity.js';
export { pluginCorner, type PluginCorner } from './plugin-state.js';
