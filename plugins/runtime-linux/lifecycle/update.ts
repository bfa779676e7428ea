/** `update`: new limits on top of the old ones, kept for the next start and for adoption. Called by `driver.ts`. */
import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { CoreError, type Oci } from '@core/core/plugin';
import { missingControllers, requireControllers, resourceLimits, type ControllerLimits } from '../cgroup/limits.js';
import { processesOf } from '../cgroup/members.js';
import { groupHome } from '../cgroup/paths.js';
import { applyLimits } from '../cgroup/update.js';
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { Issues } from '../issues.js';
import { notDelegated } from '../rootless/settings.js';
import { recordText, type ContainerRecord } from '../records.js';
import { checkResources } from '../validate/resources.js';
import { unsupportedResources } from '../validate/unsupported.js';
import { planOf } from './create.js';

/** Throws E_INVALID, E_UNSUPPORTED, E_STATE, and E_SETUP with the old limits back in force. */
export async function updateContainer(context: Context, container: Container, changes: Oci.Resources): Promise<void> {
  const { record } = container;
  if (!record) throw new CoreError('E_STATE', { message: `cannot update: container ${container.id} was adopted without its record`, object: container.object });
  const merged = mergeResources(record.spec.linux?.resources ?? {}, changes);
  check(context, container, { changes, merged });
  if (container.isRunning) {
    const touched = new Set(resourceLimits(context.host.cgroups, { path: container.paths.cgroup, resources: changes }).map(({ controller }) => controller));
    const limits = resourceLimits(context.host.cgroups, { path: container.paths.cgroup, resources: merged }).filter(({ controller }) => touched.has(controller));
    await applyLimits([...limits, ...lifted(context, { container, changes })], { object: container.object, members: () => processesOf(container), onGroup: (folder) => container.addTasks(`${folder}/tasks`) });
  }
  const next: ContainerRecord = { ...record, spec: { ...record.spec, linux: { ...record.spec.linux, resources: merged } } };
  container.renew(next, () => planOf(context, { id: container.id, paths: container.paths, record: next }));
  if (container.isRunning) await keep(container, next);
}

/** What the changes name replaces what was; the rest stays. */
export function mergeResources(before: Oci.Resources, { memory, cpu, blockIO, ...rest }: Oci.Resources): Oci.Resources {
  const raised = memory?.limit !== undefined && memory.swap === undefined && before.memory?.swap === before.memory?.limit ? { swap: memory.limit } : {};
  return {
    ...before,
    ...rest,
    ...(memory && { memory: { ...before.memory, ...memory, ...raised } }),
    ...(cpu && { cpu: { ...before.cpu, ...cpu } }),
    ...(blockIO && { blockIO: { ...before.blockIO, ...blockIO } }),
  };
}

/** `pids: -1` lifts a limit, which a plan for a new container would simply leave out. */
function lifted({ host }: Context, { container, changes }: { readonly container: Container; readonly changes: Oci.Resources }): ControllerLimits[] {
  const home = groupHome(host.cgroups, { controller: 'pids', path: container.paths.cgroup });
  if (!home || changes.pids?.limit === undefined || changes.pids.limit >= 0) return [];
  return [{ controller: 'pids', ...home, writes: [{ file: 'pids.max', value: 'max', optional: true }] }];
}

function check({ host }: Context, container: Container, { changes, merged }: { readonly changes: Oci.Resources; readonly merged: Oci.Resources }): void {
  const issues = new Issues();
  issues.expect(changes.devices === undefined, 'resources.devices', 'cannot be changed while the container exists');
  checkResources(merged, { issues, host, path: 'resources' });
  issues.done('cannot update the container', container.object);
  const undelegated = host.rootless ? missingControllers(host.cgroups, changes) : [];
  if (undelegated.length > 0) throw notDelegated(undelegated, container.object);
  if (!host.rootless) requireControllers(host.cgroups, { resources: merged, object: container.object });
  const missing = unsupportedResources(merged, host);
  if (missing.length > 0) throw new CoreError('E_UNSUPPORTED', { message: `cannot update the container: ${missing.join('; ')}`, object: container.object });
}

/** The record a next kernel would read; by rename, so that it is whole at any instant. */
async function keep({ paths }: Container, record: ContainerRecord): Promise<void> {
  const draft = `${paths.dir}/record.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, recordText(record), { mode: 0o600 });
  await rename(draft, `${paths.dir}/record`);
}
