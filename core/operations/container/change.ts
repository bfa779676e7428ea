/**
 * Changes a container that runs: pause, resume, new limits. Comes in: a name and what is to change. Goes out: nothing, or the
 * limits now in force. Called through `engine@1`.
 */
import { invalid, parseLimits } from '../../config/container-options.js';
import { checkOptions } from '../../config/container-rules.js';
import { jsonPath } from '../../config/issues.js';
import type { CallOptions, ContainerName, ContainerSettings, Engine, Oci } from '../../contracts/index.js';
import type { Context } from '../context.js';
import type { Container } from './registry.js';

type Update = Parameters<Engine['containers']['update']>[0];

export async function pause(context: Context, { container: reference }: ContainerName, call: CallOptions = {}): Promise<void> {
  const container = context.registry.find(reference);
  await container.lock.run(async () => {
    container.require(['running']);
    await context.runtime.pause({ id: container.id }, call);
    await turn(context, container, 'paused');
  });
}

export async function resume(context: Context, { container: reference }: ContainerName, call: CallOptions = {}): Promise<void> {
  const container = context.registry.find(reference);
  await container.lock.run(async () => {
    container.require(['paused']);
    await context.runtime.resume({ id: container.id }, call);
    await turn(context, container, 'running');
  });
}

export async function update(context: Context, { container: reference, limits }: Update, call: CallOptions = {}): Promise<Oci.Resources> {
  const parsed = parseLimits(limits);
  const container = context.registry.find(reference);
  return container.lock.run(async () => {
    const { id, imageConfig, spec, settings: before } = container.known;
    const settings = merge(before, parsed);
    // The runtime knows how settings become resources; what hooks made of the rest of the spec stays as it is.
    const changed = (await context.runtime.spec({ id, settings, image: imageConfig }, call)).linux?.resources ?? {};
    const resources = pick(changed, parsed);
    await context.runtime.update({ id, resources }, call);
    const merged = { ...spec.linux?.resources, ...resources };
    container.update({ settings, spec: { ...spec, linux: { ...spec.linux, resources: merged } } });
    await context.store.write(() => context.records.put(container.known));
    context.events.emit({ type: 'container.updated', object: container.object });
    return merged;
  });
}

async function turn(context: Context, container: Container, state: 'paused' | 'running'): Promise<void> {
  // It may have ended meanwhile, and then its end has been recorded.
  if (container.known.state === 'exited') return;
  container.update({ state });
  await context.store.write(() => context.records.put(container.known));
  context.events.emit({ type: state === 'paused' ? 'container.paused' : 'container.resumed', object: container.object });
}

/** New limits on top of the old; of two that say the same, the new one replaces the old. */
function merge(before: ContainerSettings, limits: ReturnType<typeof parseLimits>): ContainerSettings {
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  const settings = { ...before, ...given };
  if (limits.cpus !== undefined) Object.assign(settings, { cpuQuota: undefined, cpuPeriod: undefined });
  if (limits.cpuQuota !== undefined || limits.cpuPeriod !== undefined) Object.assign(settings, { cpus: undefined });
  // Swap was tied to memory unless it was asked for.
  if (limits.memory !== undefined && limits.memorySwap === undefined && before.memorySwap === before.memory) Object.assign(settings, { memorySwap: limits.memory });
  const faults = checkOptions(settings);
  if (faults.length > 0) throw invalid('limits', faults.map(({ path, message }) => ({ path: jsonPath(path, 'limits'), message })));
  return settings;
}

/** Only the groups of resources that the new limits speak of. */
function pick(resources: Oci.Resources, limits: ReturnType<typeof parseLimits>): Oci.Resources {
  const named = Object.entries(limits).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const about = (prefix: string): boolean => named.some((name) => name.startsWith(prefix));
  return {
    ...(about('memory') && resources.memory && { memory: resources.memory }),
    ...(about('cpu') && resources.cpu && { cpu: resources.cpu }),
    ...(about('pids') && resources.pids && { pids: resources.pids }),
    ...(about('io') && resources.blockIO && { blockIO: resources.blockIO }),
  };
}
