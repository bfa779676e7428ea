/** Rows: `true` executed in a running container, through the SDK, against the exec of a runtime that is a command. */
import { LIMITS } from '../harness.mjs';
import { byTurns, timed } from '../stats.mjs';
import { runtimeOrReason } from './run.mjs';

const SETTLED = 150;

export const rows = [
  { name: 'exec-settled', limit: 0.15, unit: 'ms', measure: (harness) => against('crun', harness, SETTLED) },
  { name: 'exec-back-to-back', unit: 'ms', measure: (harness) => against('crun', harness, 0) },
  { name: 'exec-runc-settled', unit: 'ms', measure: (harness) => against('runc', harness, SETTLED) },
];

async function against(name, harness, settle) {
  const n = harness.times(100);
  const sdk = await harness.sdk();
  const container = await sdk.run(harness.image, { ...LIMITS, command: ['/bin/sleep', '100000'] });
  const { runtime, note } = await runtimeOrReason(name, harness);
  const held = await runtime?.hold();
  try {
    const medians = await byTurns({
      ours: () => timed(() => container.exec(['/bin/true'])),
      peer: held && (() => held.exec(['/bin/true'])),
      n,
      settle,
    });
    return { ...medians, n, peerName: `${name} exec`, note };
  } finally {
    await container.remove();
    await held?.end();
  }
}
