export * from './define.js';
export * from './progress.js';
export * from './container.js';
export * from './runtime.js';
export * from './image.js';
export * from './layers.js';
export * from './engine.js';
export type * as Oci from './oci-runtime.js';
