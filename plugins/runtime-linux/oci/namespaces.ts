/**
 * Namespaces as the OCI face has them: every type can be joined, and a container that names no mount namespace shares its caller's. A plan's
 * draft comes in, what the plan says of namespaces goes out. Called by `plan.ts` and `exec.ts`.
 */
import type { Oci } from '@core/core/plugin';
import { CLONE } from '../constants.js';
import type { PlanDraft } from '../plan/draft.js';
import { cloneFlags, execNamespaces, joinSteps, NAMESPACE_FLAGS } from '../plan/namespaces.js';
import type { Plan } from '../protocol.js';
import { sharesMounts } from './shared-root.js';

export interface NamespacePlan extends Pick<Plan, 'clone' | 'pidns'> {
  /** Entered on the way, before the process is born. */
  readonly enter?: readonly (readonly [slot: number, flag: number])[];
  readonly sharedMounts?: boolean;
}

export const EVERY_TYPE: ReadonlySet<Oci.NamespaceType> = new Set(Object.keys(NAMESPACE_FLAGS) as Oci.NamespaceType[]);

/** Those a process cannot join by itself, and still own what is made for it. */
const ENTERED: ReadonlySet<Oci.NamespaceType> = new Set(['user', 'mount', 'time']);

export function joins({ linux }: Oci.Spec, wanted: Oci.NamespaceType): boolean {
  return (linux?.namespaces ?? []).some(({ type, path }) => type === wanted && path !== undefined);
}

/** The user namespace is entered last: what it does not own could not be entered any more. */
export function joinNamespaces(draft: PlanDraft): NamespacePlan {
  const { namespaces = [] } = draft.spec.linux ?? {};
  const shared = sharesMounts(draft.spec);
  const clone = shared || joins(draft.spec, 'mount') ? (cloneFlags(draft.spec) & ~CLONE.NEWNS) >>> 0 : cloneFlags(draft.spec);
  const joined = namespaces.filter((namespace): namespace is Required<Oci.Namespace> => namespace.path !== undefined);
  const sharing = shared ? { sharedMounts: true } : {};
  if (!joined.some(({ type }) => ENTERED.has(type))) return { clone, ...joinSteps(draft), ...sharing };
  const ordered = [...joined.filter(({ type }) => type !== 'user'), ...joined.filter(({ type }) => type === 'user')];
  const enter = ordered.map(({ type, path }) => {
    const slot = draft.slot();
    draft.prepare.push(['netns', slot, path, NAMESPACE_FLAGS[type]]);
    return [slot, NAMESPACE_FLAGS[type]] as const;
  });
  return { clone, enter, ...sharing };
}

/** A shared mount namespace leads to the machine's root, so the container's is entered by itself. */
export function execJoins(spec: Oci.Spec): { readonly namespaces: number; readonly chroot?: boolean } {
  const namespaces = execNamespaces(spec);
  return sharesMounts(spec) ? { namespaces: (namespaces & ~CLONE.NEWNS) >>> 0, chroot: true } : { namespaces };
}
