export { openStore, SCHEMA_VERSION, type Collection, type Key, type Store, type StoreOptions } from './store.js';
export { openJournal, type Journal } from './events.js';
export { selfIdentity, isAlive, bootId, type ProcessIdentity } from './identity.js';
