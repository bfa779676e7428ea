/**
 * The door for those who embed an engine: make a kernel, reach a running one, read a plugin set. Plugins use
 * `@core/core/plugin` instead.
 */
import { readPluginSet, type PluginSet as LoadedSet } from './config/load.js';
import { isPlugin, type Plugin } from './kernel/index.js';

export { createKernel, type CoreCloseOptions, type CoreKernel, type CreateKernelOptions } from './operations/create-kernel.js';
export { attach, type Attached, type AttachOptions } from './operations/attach.js';
export { VERSION } from './version.js';
export type { RunItem } from './config/load.js';
export type { Bindings, KernelEntry, Plan, Plugin, SwapOptions } from './kernel/index.js';
export * from './contracts/index.js';
export * from './errors/index.js';
export { createLogger, prettyLines, silentLogger, type Logger, type LoggerOptions } from './log/index.js';

export type PluginSet = LoadedSet<Plugin>;

/**
 * Reads a plugin set and imports its plugins; `createKernel(set)` boots it. Throws `E_NOT_FOUND`, or `E_INVALID` with every
 * fault and its JSON path.
 */
export function loadPluginSet(file: string): Promise<PluginSet> {
  return readPluginSet(file, isPlugin);
}
