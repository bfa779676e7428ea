/** User and time namespaces as the texts the kernel reads. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import type { Plan } from '../protocol.js';
import { newNamespaces } from './draft.js';

export function idMaps(spec: Oci.Spec): Pick<Plan, 'userns'> {
  if (!newNamespaces(spec).has('user')) return {};
  return { userns: [mapText(spec.linux?.uidMappings ?? []), mapText(spec.linux?.gidMappings ?? [])] };
}

/** Whether an id inside the container stands for one outside. */
export function isMapped(mappings: readonly Oci.IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

export function timeOffsets(spec: Oci.Spec): Pick<Plan, 'timens'> {
  if (!newNamespaces(spec).has('time')) return {};
  const lines = Object.entries(spec.linux?.timeOffsets ?? {}).map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`);
  return { timens: lines.join('') };
}

function mapText(mappings: readonly Oci.IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}
