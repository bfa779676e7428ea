/** Links of the machine's that the container gets. Called by `oci/plan.ts`, before anything else is mapped. */
import type { PlanDraft } from './draft.js';

/** `netns` is the slot of a network namespace the process is not in yet when the links are moved. */
export function netDeviceSteps(draft: PlanDraft, netns: number | undefined): void {
  for (const [name, { name: as = name }] of Object.entries(draft.spec.linux?.netDevices ?? {})) {
    draft.mapped.push(netns === undefined ? ['netdev', name, as] : ['netdev', name, as, netns]);
  }
}
