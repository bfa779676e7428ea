/**
 * Groups: made, limited and joined. Called by `plan/index.ts`. v1 groups are joined by the child through `tasks`, as a write to cgroup.procs waits for
 * a grace period of the whole machine.
 */
import { deviceProgram } from '../cgroup/devices-bpf.js';
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

/** On hybrid machines boot leaves the v2 tree as it is; a container that needs a controller of it switches it on on its way down. */
function delegate(draft: PlanDraft, group: Group): void {
  const { cgroups } = draft.input.host;
  if (cgroups.mode !== 'hybrid' || group.controllers.length === 0) return;
  const wanted = group.controllers.map((name) => `+${name === 'blkio' ? 'io' : name}`).join(' ');
  const steps = draft.input.paths.cgroup.split('/').slice(1, -1);
  let folder = cgroups.unified as string;
  for (const next of ['', ...steps]) {
    folder += next === '' ? '' : `/${next}`;
    draft.prepare.push(['write', `${folder}/cgroup.subtree_control`, wanted, false]);
  }
}

function join(draft: PlanDraft, folder: string): void {
  const slot = draft.slot();
  draft.prepare.push(['open', slot, `${folder}/tasks`, O.WRONLY]);
  draft.setup.push(['join', slot]);
}
