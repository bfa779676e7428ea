/** Added and dropped capabilities in, the bounding set out. Called by `spec/index.ts`. */
import type { ContainerSettings } from '@core/core/plugin';
import { allCapabilities, capabilityName, DEFAULT_CAPABILITIES } from '../capabilities.js';
import type { Issues } from '../issues.js';

/** `ALL` in `add` starts from all, in `drop` from none; a name in both is dropped. */
export function boundingSet(settings: ContainerSettings, { lastCapability, issues }: { readonly lastCapability: number; readonly issues: Issues }): string[] {
  const all = allCapabilities(lastCapability);
  const add = names(settings.capabilities?.add ?? [], { path: 'capabilities.add', issues });
  const drop = names(settings.capabilities?.drop ?? [], { path: 'capabilities.drop', issues });
  const base = add.includes('ALL') || settings.privileged ? all : drop.includes('ALL') ? [] : DEFAULT_CAPABILITIES;
  const kept = new Set([...base, ...add]);
  for (const name of drop) kept.delete(name);
  return all.filter((name) => kept.has(name));
}

function names(list: readonly string[], { path, issues }: { readonly path: string; readonly issues: Issues }): string[] {
  return list.flatMap((name, index) => {
    if (name.toUpperCase() === 'ALL') return ['ALL'];
    const known = capabilityName(name);
    issues.expect(known !== undefined, `${path}[${index}]`, `no capability is called ${JSON.stringify(name)}`);
    return known === undefined ? [] : [known];
  });
}
