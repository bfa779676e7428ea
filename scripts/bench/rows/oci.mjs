/** Rows: what an engine asks of an OCI runtime per container, by our command `core-oci` against the commands of others, on the same bundle. */
import { byTurns } from '../stats.mjs';
import { runtimeOrReason } from './run.mjs';

const SETTLED = 150;

export const rows = [
  { name: 'oci-create-start-delete', unit: 'ms', measure: (harness) => against('runc', harness) },
  { name: 'oci-create-start-delete-crun', unit: 'ms', measure: (harness) => against('crun', harness) },
];

async function against(name, harness) {
  const n = harness.times(50);
  const ours = await harness.runtime('core-oci');
  const { runtime: peer, note } = await runtimeOrReason(name, harness);
  const medians = await byTurns({ ours: () => ours.lifecycle(), peer: peer && (() => peer.lifecycle()), n, settle: SETTLED });
  return { ...medians, n, peerName: name, note };
}
