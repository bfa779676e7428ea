/**
 * What a kernel shows of itself. Comes in: its registry and hooks. Goes out: the lists that `core plugins`, `core hooks` and
 * the leak tests print and compare. Pure reading; called by `kernel.ts`.
 */
import type { HookInfo, PluginInfo } from '../contracts/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';
import { neededContract } from './define-plugin.js';
import type { Registry } from './registry.js';
import { allHooks } from './taps.js';

export interface HeldEffect {
  readonly plugin: string;
  readonly label: string;
}

export function pluginsOf({ members }: Registry): PluginInfo[] {
  return members.map(({ entry: { plugin, isolation = 'none' }, state }) => ({
    name: plugin.name,
    version: plugin.version,
    isolation,
    needs: Object.values(plugin.needs).map((need) => neededContract(need).key),
    provides: Object.values(plugin.provides).map(({ key }) => key),
    permissions: plugin.permissions,
    state,
  }));
}

export function hookMapOf(hooks: LifecycleHooks): HookInfo[] {
  return allHooks(hooks).map((hook) => hook.describe());
}

export function effectsOf({ members }: Registry): HeldEffect[] {
  return members.flatMap(({ name, running }) => (running?.effects() ?? []).map((label) => ({ plugin: name, label })));
}
