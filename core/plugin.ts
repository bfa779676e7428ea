/** The door for plugins: contracts, hook types, `definePlugin`, errors and conformance suites. A plugin imports nothing else of the core. */
export * from './contracts/index.js';
export * from './errors/index.js';
