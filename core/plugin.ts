/** The door for plugins: contracts, hook types, `definePlugin`, errors and conformance suites. A plugin imports nothing else of the core. */
export * from './contracts/index.js';
export * from './errors/index.js';
export type { EventSource, PublishedEvent } from './events/index.js';
export type { TapCall, TapOptions, Undo } from './hooks/index.js';
export type {
  ContainerAssembled, ContainerExited, ContainerRemoved, ContainerRequested, ContainerStarted, ImageArrived, ImageRemoved, ImageRequest, Refusal,
} from './lifecycle/index.js';
export type { Logger } from './log/index.js';
export { definePlugin, optional, type Permission, type Plugin, type PluginContext, type PluginState, type ScopedFiles, type StandardSchema } from './kernel/index.js';
