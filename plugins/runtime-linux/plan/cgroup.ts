/**
 * Groups: made, limited and joined. Called by `plan/index.ts`. v1 groups are joined by the child through `tasks`, as a write to cgroup.procs waits for
 * a grace period of the whole machine.
 */
import { deviceProgram } from '../cgroup/devices-bpf.js';
import { RARE, type Controller } from '../cgroup/layout.js';
import { allGroups } from '../cgroup/paths.js';
import { CLONE, O } from '../constants.js';
import type { Plan } from '../protocol.js';
import type { PlanDraft } from './draft.js';
import { allowsEveryDevice, deviceRules, type Group } from './groups.js';

export function cgroupSteps(draft: PlanDraft): Pick<Plan, 'cgroup' | 'cgroups' | 'oom'> {
  const { paths, host, spec } = draft.input;
  const resources = spec.linux?.resources ?? {};
  const { groups } = draft;
  for (const group of groups) {
    if (group.version === 2) delegate(draft, group);
    else if (group.controllers.length > 0 && group.controllers.every((name) => RARE.has(name))) makeAbove(draft, group);
    draft.prepare.push(['mkdir', group.folder, 0o755]);
    for (const { file, value, optional = false } of group.writes) draft.prepare.push(['write', `${group.folder}/${file}`, value, optional]);
    if (group.version === 1) join(draft, group.folder);
  }
  const unified = groups.find((group) => group.version === 2)?.folder;
  // An ordinary user may neither make a node nor load a filter: inside are the devices that were bound, and no others.
  if (unified !== undefined && host.cgroups.v1.devices === undefined && !host.rootless && !allowsEveryDevice(resources)) {
    draft.prepare.push(['devices', unified, deviceProgram(deviceRules(resources))]);
  }
  // `update` may have made groups the container did not start with; a folder that never was costs one failed call.
  for (const folder of allGroups(host.cgroups, paths.cgroup)) draft.teardown.push(['rmdir', folder]);
  const memory = groups.find((group) => group.controllers.includes('memory'));
  return {
    ...(unified !== undefined && { cgroup: unified }),
    cgroups: groups.slice(0, 1).map((group) => group.folder),
    ...(memory && { oom: [memory.version, memory.folder] as const }),
  };
}

/** After the groups are joined, so that the container sees its own group as the root. */
export function cgroupNamespace(draft: PlanDraft): void {
  if (draft.own.has('cgroup')) draft.setup.push(['unshare', CLONE.NEWCGROUP]);
}

/**
 * What boot has not switched on in the v2 tree, which is everything on hybrid machines and what is rare elsewhere: a container
 * that needs it does so on its way down.
 */
function delegate(draft: PlanDraft, group: Group): void {
  const { cgroups } = draft.input.host;
  const lacking = cgroups.mode === 'hybrid' ? group.controllers : group.controllers.filter((name) => RARE.has(name));
  if (lacking.length === 0) return;
  const wanted = lacking.map((name) => `+${name === 'blkio' ? 'io' : name}`).join(' ');
  const steps = draft.input.paths.cgroup.split('/').slice(1, -1);
  let folder = cgroups.unified as string;
  for (const next of ['', ...steps]) {
    folder += next === '' ? '' : `/${next}`;
    draft.prepare.push(['write', `${folder}/cgroup.subtree_control`, wanted, false]);
  }
}

/** The groups above the container's own in a hierarchy boot has passed over. */
function makeAbove(draft: PlanDraft, { folder, controllers }: Group): void {
  const mount = draft.input.host.cgroups.v1[controllers[0] as Controller] as string;
  const steps = folder.slice(mount.length).split('/').slice(1, -1);
  steps.forEach((_, index) => draft.prepare.push(['mkdir', `${mount}/${steps.slice(0, index + 1).join('/')}`, 0o755]));
}

function join(draft: PlanDraft, folder: string): void {
  const slot = draft.slot();
  draft.prepare.push(['open', slot, `${folder}/tasks`, O.WRONLY]);
  draft.setup.push(['join', slot]);
}
