/** Namespaces: which are made by the clone, which are joined. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { CLONE } from '../constants.js';
import type { Plan } from '../protocol.js';
import { newNamespaces, type PlanDraft } from './draft.js';

export const NAMESPACE_FLAGS: Readonly<Record<Oci.NamespaceType, number>> = {
  mount: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  network: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
  user: CLONE.NEWUSER,
  time: CLONE.NEWTIME,
  cgroup: CLONE.NEWCGROUP,
};

/** Types whose namespace the child can enter by itself, after the clone, and the one it can be born in. */
export const joinable: ReadonlySet<Oci.NamespaceType> = new Set(['network', 'ipc', 'uts', 'cgroup', 'pid']);

/** A mount namespace is made always; the cgroup namespace comes later, once the groups are joined. */
export function cloneFlags(spec: Oci.Spec): number {
  return [...newNamespaces(spec)].filter((type) => type !== 'cgroup').reduce<number>((all, type) => all | NAMESPACE_FLAGS[type], CLONE.NEWNS) >>> 0;
}

/** All namespaces an exec must enter to be where the first process is. */
export function execNamespaces(spec: Oci.Spec): number {
  return (spec.linux?.namespaces ?? []).reduce<number>((all, { type }) => all | NAMESPACE_FLAGS[type], CLONE.NEWNS) >>> 0;
}

export function joinSteps(draft: PlanDraft): Pick<Plan, 'pidns'> {
  let pidns: number | undefined;
  for (const { type, path } of draft.spec.linux?.namespaces ?? []) {
    if (path === undefined) continue;
    const slot = draft.slot();
    draft.prepare.push(['netns', slot, path, NAMESPACE_FLAGS[type]]);
    if (type === 'pid') pidns = slot;
    else draft.setup.push(['setns', slot, NAMESPACE_FLAGS[type]]);
  }
  return pidns === undefined ? {} : { pidns };
}
