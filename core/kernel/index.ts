export { bootKernel, type CloseOptions, type Kernel } from './kernel.js';
export type { HeldEffect } from './inspect.js';
export type { KernelOptions, Wired } from './parts.js';
export { makePlan, providerOf, type Bindings, type Plan, type PlanEdge } from './plan.js';
export type { KernelEntry } from './registry.js';
export type { SwapOptions } from './swap.js';
export type { RestartPolicy } from './restart.js';
export { setUpLocal, type LocalFacilities, type LocalRequest, type RunningPlugin } from './local.js';
export { definePlugin, isOptional, isPlugin, neededContract, optional, PLUGIN_API, type Plugin, type PluginDefinition } from './define-plugin.js';
export type { Context, GrantedHooks, Implementations, Need, OptionalNeed, PluginContext, Ports, TapPoint } from './context.js';
export type { ScopedFiles } from './files.js';
export { grantedFolders, grantsHook, permissionError, type HookName, type Permission } from './permissions.js';
export { validate, type StandardSchema } from './standard-schema.js';
export type {
  IsolatedFacilities, IsolatedPlugin, IsolatedTap, IsolatedTapRun, Isolation, IsolationHost, PluginState, SpawnRequest,
} from './isolation.js';
