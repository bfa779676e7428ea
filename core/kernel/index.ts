export { definePlugin, isOptional, isPlugin, neededContract, optional, PLUGIN_API, type Plugin, type PluginDefinition } from './define-plugin.js';
export type { Context, GrantedHooks, Implementations, Need, OptionalNeed, PluginContext, Ports, TapPoint } from './context.js';
export type { ScopedFiles } from './files.js';
export type { HookName, Permission } from './permissions.js';
export type { StandardSchema } from './standard-schema.js';
export type {
  IsolatedFacilities, IsolatedPlugin, IsolatedTap, IsolatedTapRun, Isolation, IsolationHost, PluginState, SpawnRequest,
} from './isolation.js';
