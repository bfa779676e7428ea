/** A network by a program beside the container. Called by `plan/index.ts`, once the namespaces are joined. */
import { CLONE } from '../constants.js';
import type { PlanDraft } from './draft.js';
import type { PlanInput } from './input.js';

/** Annotation that asks for it; the OCI spec has no field. */
export const NETWORK_ANNOTATION = 'core.network';

export function hasUserNetwork({ spec, host }: Pick<PlanInput, 'spec' | 'host'>): boolean {
  return spec.annotations?.[NETWORK_ANNOTATION] === 'user' && host.rootless !== undefined && 'argv' in host.rootless.network;
}

/** The namespace is made with the program and joined, in place of one of the clone's. Gives the flags of what the clone is left to make. */
export function userNetwork(draft: PlanDraft, clone: number): number {
  const network = draft.input.host.rootless?.network;
  if (!network || !('argv' in network) || !draft.own.has('network') || !hasUserNetwork(draft.input)) return clone;
  const slot = draft.slot();
  draft.prepare.push(['network', slot, network.argv, network.says]);
  draft.setup.push(['setns', slot, CLONE.NEWNET]);
  return (clone & ~CLONE.NEWNET) >>> 0;
}
