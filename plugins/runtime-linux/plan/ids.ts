/** User and time namespaces as the texts the kernel reads. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import type { PipeOwner, Plan } from '../protocol.js';
import { newNamespaces } from './draft.js';

export function idMaps(spec: Oci.Spec): Pick<Plan, 'userns'> {
  if (!newNamespaces(spec).has('user')) return {};
  return { userns: [mapText(spec.linux?.uidMappings ?? []), mapText(spec.linux?.gidMappings ?? [])] };
}

/** Whether an id inside the container stands for one outside. */
export function isMapped(mappings: readonly Oci.IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** The machine's ids of root inside, who then hands the pipes on to the user. */
export function pipeOwner(spec: Oci.Spec): { owner?: PipeOwner } {
  if (!newNamespaces(spec).has('user')) return {};
  return { owner: [outside(spec.linux?.uidMappings ?? [], 0), outside(spec.linux?.gidMappings ?? [], 0)] };
}

export function outside(mappings: readonly Oci.IdMapping[], id: number): number {
  const range = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range ? range.hostID + id - range.containerID : id;
}

export function timeOffsets(spec: Oci.Spec): Pick<Plan, 'timens'> {
  if (!newNamespaces(spec).has('time')) return {};
  const lines = Object.entries(spec.linux?.timeOffsets ?? {}).map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`);
  return { timens: lines.join('') };
}

export function mapText(mappings: readonly Oci.IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}
