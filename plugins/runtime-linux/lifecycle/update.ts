/** `update`: new limits on top of the old ones, kept for the next start and for adoption. Called by `driver.ts`. */
import { randomBytes } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { CoreError, type Oci } from '@core/core/plugin';
import { changedLimits, mergeResources } from '../cgroup/change.js';
import { missingControllers, requireControllers } from '../cgroup/limits.js';
import { processesOf } from '../cgroup/members.js';
import { applyLimits } from '../cgroup/update.js';
import { exceededLimit } from '../cgroup/usage.js';
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
    const exceeded = exceededLimit(context.host.cgroups, { path: container.paths.cgroup, changes, merged });
    if (exceeded) throw new CoreError('E_SETUP', { message: `cannot update the container: ${exceeded}`, hint: 'Choose a higher limit, or leave checkBeforeUpdate out.', object: container.object });
    await applyLimits(changedLimits(context.host.cgroups, { path: container.paths.cgroup, changes, merged }), { object: container.object, members: () => processesOf(container), onGroup: (folder) => container.addTasks(`${folder}/tasks`) });
  }
  const next: ContainerRecord = { ...record, spec: { ...record.spec, linux: { ...record.spec.linux, resources: merged } } };
  container.renew(next, () => planOf(context, { id: container.id, paths: container.paths, record: next }));
  if (container.isRunning) await keep(container, next);
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
